/** FNV-1a over UTF-16 code units, 32 bits: stable across versions, since it places merchants on partitions forever. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  return h >>> 0;
}

export function partitionOf(merchantId: string, partitions: number): number {
  return hash32(merchantId) % partitions;
}

const twoDigits = (partition: number): string => String(partition).padStart(2, '0');

export const eventsStream = (partition: number): string => `events-${twoDigits(partition)}`;
export const rejectsStream = (partition: number): string => `rejects-${twoDigits(partition)}`;
export const merchantStream = (merchantId: string): string => `merchant-${merchantId}`;
/** Facts about the installation as a whole: the number of partitions, above all. */
export const installationStream = 'installation';
