/** A head of the audit log as people keep it elsewhere: `SEQUENCE:sha256:<hex>`. */
import { z } from 'zod';
import type { Digest, RecordReceipt } from '../../temporal/contract/messages.ts';

const pattern = /^([1-9]\d{0,14}):(sha256:[0-9a-f]{64})$/;

export const headSchema = z
  .string()
  .regex(pattern, 'expected SEQUENCE:sha256:<64 hex digits>, as `aas audit verify` prints it')
  .transform((text): RecordReceipt => {
    const [, sequence, hash] = pattern.exec(text) ?? [];
    return { sequence: Number(sequence), hash: hash as Digest };
  });

export const writeHead = ({ sequence, hash }: RecordReceipt): string => `${sequence}:${hash}`;
