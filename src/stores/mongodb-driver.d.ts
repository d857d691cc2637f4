/** Part of the pinned driver that it does not declare; test/stores/mongodb.spec.ts fails where it changes. */
declare module 'mongodb/lib/cmap/commands' {
  /** Documents of one field of a command, sent behind it as they are. */
  export class DocumentSequence {
    constructor(field: string);
    push(document: object, bytes: Uint8Array): number;
    /** The section: what the driver puts behind the command. */
    toBin(): Uint8Array;
  }
}
