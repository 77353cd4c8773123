/** SHA-256 of a file, read piece by piece: recordings are large, and plain HTTP gives scripts no crypto.subtle. */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const PIECE_BYTES = 1 << 20;

/**
 * 64 lower-case hexadecimal digits.
 *
 * `onProgress` is told the share that has been read, 0 to 1.
 */
export async function sha256Of(
  file: Blob,
  onProgress: (share: number) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const hash = sha256.create();
  for (let read = 0; read < file.size; read += PIECE_BYTES) {
    const piece = await file.slice(read, read + PIECE_BYTES).arrayBuffer();
    signal?.throwIfAborted();
    hash.update(new Uint8Array(piece));
    onProgress(Math.min(1, (read + PIECE_BYTES) / file.size));
  }
  return bytesToHex(hash.digest());
}
