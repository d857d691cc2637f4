import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

const privateNetworks = new BlockList();
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4');
}
privateNetworks.addAddress('::1', 'ipv6');
privateNetworks.addSubnet('fc00::', 7, 'ipv6');
privateNetworks.addSubnet('fe80::', 10, 'ipv6');

/**
 * The address a visitor's country may be read from when an event carries no `ip`.
 *
 * Only browsers send `Origin`, and only a browser's connection is the visitor's own: a shop's server sends for its visitors, and its
 * address says nothing about them. Behind a proxy of one's own (a private or loopback peer) the visitor is the last public address
 * of X-Forwarded-For; from anywhere else that header is the sender's invention and is not read.
 */
export function visitorAddressOf(request: Pick<IncomingMessage, 'headers' | 'socket'>): string | undefined {
  if (request.headers.origin === undefined) return undefined;
  const peer = request.socket.remoteAddress;
  if (peer === undefined || !isPrivate(peer)) return peer;
  const forwarded = request.headers['x-forwarded-for'];
  if (forwarded === undefined) return undefined;
  const hops = (Array.isArray(forwarded) ? forwarded.join(',') : forwarded).split(',').map((hop) => hop.trim());
  return hops.reverse().find((hop) => isIP(hop) !== 0 && !isPrivate(hop));
}

function isPrivate(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  const family = isIP(plain);
  return family !== 0 && privateNetworks.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}
