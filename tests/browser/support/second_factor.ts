// An authenticator app: RFC 6238 with the usual six digits, thirty seconds and SHA-1.
import { createHmac } from "node:crypto";
import { password, type Server } from "./server.ts";

const stepMs = 30_000;

/** The code of a secret in base32; `steps` later than now. */
export function codeOf(secret: string, steps = 0): string {
  const bits = [...secret.replace(/=+$/, "")]
    .map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  const bytes = bits.match(/.{8}/g) ?? [];
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / stepMs) + steps));
  const hash = createHmac("sha1", Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2))))
    .update(counter)
    .digest();
  const offset = hash[hash.length - 1]! & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

type Answer<T> = { body: T };

/** Switches the second factor of an account on; gives what its owner keeps. */
export async function enrol(server: Server, email: string): Promise<{ secret: string; recoveryCodes: string[] }> {
  const login = await server.ask<Answer<{ token: string }>>("POST", "/auth/login", { body: { email, password } });
  const key = login.body.token;
  const { body: setup } = await server.ask<Answer<{ secret: string }>>("POST", "/auth/second-factor/setup", {
    key,
    body: { currentPassword: password },
  });
  const { body: confirmed } = await server.ask<Answer<{ recoveryCodes: string[] }>>(
    "POST",
    "/auth/second-factor/confirm",
    { key, body: { code: codeOf(setup.secret) } },
  );
  return { secret: setup.secret, recoveryCodes: confirmed.recoveryCodes };
}
