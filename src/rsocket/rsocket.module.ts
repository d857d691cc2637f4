import { type BeforeApplicationShutdown, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { KeyDirectory } from '../peers/key-directory';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { RsocketEndpoint } from './endpoint';

/** The RSocket ports of a process. Roles that answer over RSocket import this and give the endpoint their routes. */
@Module({
  providers: [
    { provide: KeyDirectory, inject: [READ_STORE], useFactory: (readStore: ReadStore) => new KeyDirectory(readStore) },
    RsocketEndpoint,
  ],
  exports: [KeyDirectory, RsocketEndpoint],
})
export class RsocketModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly endpoint: RsocketEndpoint) {}

  onApplicationBootstrap(): Promise<void> {
    return this.endpoint.listen();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.endpoint.stop();
  }
}
