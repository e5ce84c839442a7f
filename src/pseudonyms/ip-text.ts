/** IP addresses as PostgreSQL's `inet` and `cidr` write them: an address, and perhaps the length of its network. */
export interface IpText {
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly mask: number | undefined;
}

export function parseIp(text: string): IpText | undefined {
  const [address, suffix, more] = text.trim().split('/');
  if (address === undefined || more !== undefined) return undefined;
  const family = address.includes(':') ? 6 : 4;
  const value = family === 6 ? parseSix(address) : parseFour(address);
  if (value === undefined) return undefined;
  if (suffix === undefined) return { family, value, mask: undefined };
  if (!/^\d{1,3}$/.test(suffix) || Number(suffix) > (family === 4 ? 32 : 128)) return undefined;
  return { family, value, mask: Number(suffix) };
}

function parseFour(address: string): bigint | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function parseSix(address: string): bigint | undefined {
  let text = address;
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (embedded !== null) {
    const four = parseFour(embedded[2]!);
    if (four === undefined) return undefined;
    text = `${embedded[1]}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const [left, right] = [groups(halves[0]), groups(halves[1])];
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...left, ...new Array<string>(missing).fill('0'), ...right];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

/** The form of RFC 5952: the longest run of two or more zero groups as `::`. */
export function formatIp(family: 4 | 6, value: bigint, mask: number | undefined): string {
  const suffix = mask === undefined ? '' : `/${mask}`;
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.') + suffix;
  const groups = Array.from({ length: 8 }, (_, k) => ((value >> BigInt(112 - 16 * k)) & 0xffffn).toString(16));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === '0') length++;
    if (length > best.length) best = { at, length };
  }
  if (best.at < 0) return groups.join(':') + suffix;
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}${suffix}`;
}
