// Compiles the row hash (see src/repository/row-hash.ts) to WebAssembly and writes it as a module of base64.
// Run by hand after a change: node .ci/build-row-hash.mjs. A unit test holds the written module against this text.
import { writeFileSync } from 'node:fs';
import wabt from 'wabt';

const get = (name) => `(local.get $${name})`;
const set = (name, value) => `(local.set $${name} ${value})`;
const add = (a, b) => set(a, `(i64.add ${get(a)} ${get(b)})`);
const rotateXor = (a, bits, b) => set(a, `(i64.xor (i64.rotl ${get(a)} (i64.const ${bits})) ${get(b)})`);
const rotate = (a, bits) => set(a, `(i64.rotl ${get(a)} (i64.const ${bits}))`);
const xor = (a, value) => set(a, `(i64.xor ${get(a)} ${value})`);

/** SipRound, in the order of the paper's figure 2.1. */
const round = [
  add('v0', 'v1'),
  add('v2', 'v3'),
  rotateXor('v1', 13, 'v0'),
  rotateXor('v3', 16, 'v2'),
  rotate('v0', 32),
  add('v2', 'v1'),
  add('v0', 'v3'),
  rotateXor('v1', 17, 'v2'),
  rotateXor('v3', 21, 'v0'),
  rotate('v2', 32),
].join(' ');
const absorb = (word) => `${xor('v3', word)} ${round} ${round} ${xor('v0', word)}`;
const fold = `(i64.xor (i64.xor ${get('v0')} ${get('v1')}) (i64.xor ${get('v2')} ${get('v3')}))`;
const begin = [
  set('v0', '(i64.xor (global.get $k0) (i64.const 0x736f6d6570736575))'),
  set('v1', '(i64.xor (i64.xor (global.get $k1) (i64.const 0x646f72616e646f6d)) (i64.const 0xee))'),
  set('v2', '(i64.xor (global.get $k0) (i64.const 0x6c7967656e657261))'),
  set('v3', '(i64.xor (global.get $k1) (i64.const 0x7465646279746573))'),
  set('length', '(i64.const 0)'),
].join(' ');
const state = ['v0', 'v1', 'v2', 'v3', 'length'];

export const text = `
(module
  (memory (export "memory") 17)
  (global $k0 (mut i64) (i64.const 0))
  (global $k1 (mut i64) (i64.const 0))
  (global $low (export "low") (mut i64) (i64.const 0))
  (global $high (export "high") (mut i64) (i64.const 0))
  (global $rows (export "rows") (mut i64) (i64.const 0))
  ${state.map((name) => `(global $${name} (mut i64) (i64.const 0))`).join('\n  ')}

  (func (export "begin") (param $key0 i64) (param $key1 i64)
    ${state.map((name) => `(local $${name} i64)`).join(' ')}
    (global.set $k0 (local.get $key0)) (global.set $k1 (local.get $key1))
    (global.set $low (i64.const 0)) (global.set $high (i64.const 0)) (global.set $rows (i64.const 0))
    ${begin}
    ${state.map((name) => `(global.set $${name} ${get(name)})`).join(' ')})

  ;; Absorbs [at, end) in words of 8 bytes counted from the start of each row; gives the first byte not absorbed.
  (func (export "scan") (param $at i32) (param $end i32) (result i32)
    ${state.map((name) => `(local $${name} i64)`).join(' ')}
    (local $word i64) (local $zero i64) (local $size i64)
    ${state.map((name) => set(name, `(global.get $${name})`)).join(' ')}
    (block $done (loop $next
      (br_if $done (i32.gt_u (i32.add ${get('at')} (i32.const 8)) ${get('end')}))
      ${set('word', `(i64.load align=1 ${get('at')})`)}
      ;; The lowest byte of the word that is a newline, found as the lowest zero byte of word xor newlines.
      ${set('zero', `(i64.xor ${get('word')} (i64.const 0x0a0a0a0a0a0a0a0a))`)}
      ${set('zero', `(i64.and (i64.and (i64.sub ${get('zero')} (i64.const 0x0101010101010101)) (i64.xor ${get('zero')} (i64.const -1))) (i64.const 0x8080808080808080))`)}
      (if (i64.eqz ${get('zero')})
        (then
          ${absorb(get('word'))}
          ${set('length', `(i64.add ${get('length')} (i64.const 8))`)}
          ${set('at', `(i32.add ${get('at')} (i32.const 8))`)})
        (else
          ;; size: bytes of this word that belong to the row, the newline included; 1 to 8.
          ${set('size', `(i64.add (i64.shr_u (i64.ctz ${get('zero')}) (i64.const 3)) (i64.const 1))`)}
          ${set('at', `(i32.add ${get('at')} (i32.wrap_i64 ${get('size')}))`)}
          ${set('length', `(i64.add ${get('length')} ${get('size')})`)}
          (if (i64.eq ${get('size')} (i64.const 8))
            (then ${absorb(get('word'))} ${set('word', '(i64.const 0)')})
            (else ${set('word', `(i64.and ${get('word')} (i64.sub (i64.shl (i64.const 1) (i64.shl ${get('size')} (i64.const 3))) (i64.const 1)))`)}))
          ${set('word', `(i64.or ${get('word')} (i64.shl ${get('length')} (i64.const 56)))`)}
          ${absorb(get('word'))}
          ${xor('v2', '(i64.const 0xee)')} ${round} ${round} ${round} ${round}
          ${set('word', fold)}
          ${xor('v1', '(i64.const 0xdd)')} ${round} ${round} ${round} ${round}
          (global.set $low (i64.add (global.get $low) ${get('word')}))
          (global.set $high (i64.add (i64.add (global.get $high) ${fold})
            (i64.extend_i32_u (i64.lt_u (global.get $low) ${get('word')}))))
          (global.set $rows (i64.add (global.get $rows) (i64.const 1)))
          ${begin}))
      (br $next)))
    ${state.map((name) => `(global.set $${name} ${get(name)})`).join(' ')}
    ${get('at')})
)`;

export async function compile() {
  const { parseWat } = await wabt();
  const module = parseWat('row-hash.wat', text);
  module.validate();
  return Buffer.from(module.toBinary({}).buffer).toString('base64');
}

if (process.argv[1] === import.meta.filename) {
  const lines = (await compile()).match(/.{1,108}/g).map((line) => `  '${line}',`);
  writeFileSync(
    'src/repository/row-hash-module.ts',
    `/** WebAssembly of the row hash, in base64. Written by .ci/build-row-hash.mjs; do not edit. */\nexport const rowHashModule = [\n${lines.join('\n')}\n].join('');\n`,
  );
}
