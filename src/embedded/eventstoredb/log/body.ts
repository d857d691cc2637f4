import { ProtobufReader } from '../wire/protobuf-reader';

/** The custom data of a stored ReadResp: field 8 of the event in the event of the response. */
export function dataOf(body: Buffer): Buffer {
  let reader = new ProtobufReader(body);
  for (const wanted of [1, 1]) {
    let field = reader.nextField();
    while (field !== 0 && field !== wanted) {
      reader.skip();
      field = reader.nextField();
    }
    if (field === 0) return Buffer.alloc(0);
    reader = reader.message();
  }
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 8) return reader.bytes();
    reader.skip();
  }
  return Buffer.alloc(0);
}
