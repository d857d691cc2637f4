import { randomUUID } from 'node:crypto';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { ClusterInfo, EndPoint, MemberInfo } from '@eventstore/db-client/generated/gossip_pb';
import { SupportedMethod, SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb';
import { type Empty, UUID } from '@eventstore/db-client/generated/shared_pb';

/** The server version whose behaviour this one follows. */
const serverVersion = '24.10.0';

const methods: readonly [method: string, features: string[]][] = [
  ['read', ['position', 'events']],
  ['append', []],
  ['batchappend', ['deadline_duration']],
  ['delete', []],
  ['tombstone', []],
];

/** ServerFeatures.GetSupportedMethods: clients choose BatchAppend by it. Names are in lower case. */
export function supportedMethods(_call: ServerUnaryCall<Empty, SupportedMethods>, callback: sendUnaryData<SupportedMethods>): void {
  const listed = methods.map(([method, features]) =>
    new SupportedMethod().setServiceName('event_store.client.streams.streams').setMethodName(method).setFeaturesList(features),
  );
  callback(null, new SupportedMethods().setEventStoreServerVersion(serverVersion).setMethodsList(listed));
}

/** Gossip.Read for `esdb+discover`: a cluster of one, this server, its leader. */
export function gossip(address: () => { host: string; port: number }) {
  const instanceId = randomUUID();
  return (_call: ServerUnaryCall<Empty, ClusterInfo>, callback: sendUnaryData<ClusterInfo>): void => {
    const { host, port } = address();
    const member = new MemberInfo()
      .setInstanceId(new UUID().setString(instanceId))
      .setTimeStamp(String(BigInt(Date.now()) * 10_000n))
      .setState(MemberInfo.VNodeState.LEADER)
      .setIsAlive(true)
      .setHttpEndPoint(new EndPoint().setAddress(host).setPort(port));
    callback(null, new ClusterInfo().setMembersList([member]));
  };
}
