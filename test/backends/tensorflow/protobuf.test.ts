/** Bytes of protocol buffers, against those of its documentation and of IEEE 754. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { float, integer, type Message, message, text } from '#air/backends/tensorflow/protobuf.js';

function hex(bytes: Message): string {
  return Buffer.concat(bytes).toString('hex');
}

describe('protocol buffers', () => {
  it('has integers in seven bits a byte', () => {
    assert.equal(hex(integer(1, 150)), '089601');
    assert.equal(hex(integer(1, 0)), '0800');
    assert.equal(hex(integer(2, 2 ** 40)), '10808080808020');
    assert.equal(hex(integer(1, -2)), '08feffffffffffffffff01');
    assert.equal(hex(integer(16, true)), '800101');
  });

  it('has texts and messages with their length', () => {
    assert.equal(hex(text(2, 'testing')), '120774657374696e67');
    assert.equal(hex(text(1, 'é')), '0a02c3a9');
    assert.equal(hex(message(3, integer(1, 150))), '1a03089601');
    assert.equal(hex(message(1, [new Uint8Array(200)])).slice(0, 6), '0ac801');
  });

  it('has floats of 32 bits, lowest byte first', () => {
    assert.equal(hex(float(4, 1)), '250000803f');
    assert.equal(hex(float(4, -0.1)), '25cdccccbd');
  });
});
