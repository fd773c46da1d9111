import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** Signs notes as a log or a witness does. Shares no code with the readers of notes. */
export class NoteSigner {
  readonly name: string;
  readonly privateKey: KeyObject;
  /** The public key as text. */
  readonly vkey: string;
  private readonly keyId: Buffer;

  constructor(name: string, privateKey = generateKeyPairSync('ed25519').privateKey, type = 1) {
    this.name = name;
    this.privateKey = privateKey;
    const raw = Buffer.from(privateKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    const material = Buffer.concat([Buffer.from([type]), raw]);
    this.keyId = createHash('sha256').update(`${name}\n`).update(material).digest().subarray(0, 4);
    this.vkey = `${name}+${this.keyId.toString('hex')}+${material.toString('base64')}`;
  }

  /** Returns a signature line over a text. */
  signLine(text: string): string {
    const value = Buffer.concat([this.keyId, sign(null, Buffer.from(text), this.privateKey)]);
    return `— ${this.name} ${value.toString('base64')}\n`;
  }

  /** Returns a signature line with a time, as witnesses sign (cosignature/v1). */
  cosign(text: string, seconds: number): string {
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), this.privateKey);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(seconds));
    return `— ${this.name} ${Buffer.concat([this.keyId, time, signature]).toString('base64')}\n`;
  }

  note(text: string): string {
    return `${text}\n${this.signLine(text)}`;
  }

  checkpoint(size: number, root: Uint8Array): string {
    return this.note(`${this.name}\n${size}\n${Buffer.from(root).toString('base64')}\n`);
  }
}
