/** A binary field's way to the core: streamed from n8n's binary store, in constant memory. */

import type { IBinaryData } from 'n8n-workflow';

import type { Media } from '../../shared/api';
import { upload } from '../../shared/transport';
import type { Work } from '../operation';

/** Bytes that are read and handed over at a time. */
const CHUNK = 256 * 1024;

/** Uploads the file in a binary field. The same bytes become the same media, so doing it again is harmless. */
export async function uploadBinary(work: Work, field: string): Promise<Media> {
	const binary = work.node.helpers.assertBinaryData(work.item, field);
	const info = { file_name: binary.fileName ?? '', content_type: binary.mimeType };
	if (!binary.id) {
		// n8n keeps binary data in memory (its default without a binary store): the bytes are in the item.
		const bytes = Buffer.from(binary.data, 'base64');
		const from = async (offset: number) => slices(bytes.subarray(offset));
		return await upload(work.core, { ...info, size_bytes: bytes.length }, from);
	}
	const id = binary.id;
	const size = await sizeOf(work, binary);
	const opened: Array<{ destroy(): unknown }> = [];
	const close = () => opened.splice(0).forEach((stream) => stream.destroy());
	try {
		return await upload(work.core, { ...info, size_bytes: size }, async (offset) => {
			close();
			const stream = await work.node.helpers.getBinaryStream(id, CHUNK);
			opened.push(stream);
			const chunks = id.startsWith('filesystem') ? givingBack(stream) : stream;
			return behind(offset, chunks as AsyncIterable<Buffer>);
		});
	} finally {
		close();
	}
}

/** The chunks of a file behind its first bytes: n8n's binary store reads files from their front. */
async function* behind(offset: number, chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
	let skipped = 0;
	for await (const chunk of chunks) {
		const skip = Math.min(offset - skipped, chunk.length);
		skipped += skip;
		if (skip < chunk.length) yield chunk.subarray(skip);
	}
}

async function sizeOf(work: Work, binary: IBinaryData): Promise<number | null> {
	const { fileSize } = await work.node.helpers.getBinaryMetadata(binary.id as string);
	return Number.isSafeInteger(fileSize) ? fileSize : null;
}

/**
 * The chunks of a file's stream, which makes a new one for each read. The memory of each is given back when the next one is
 * asked for: the garbage collector would let some sixty megabytes of used chunks pile up before it looks.
 */
async function* givingBack(stream: AsyncIterable<unknown>): AsyncIterable<Buffer> {
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		yield chunk;
		// Node has it since version 21.
		const memory = chunk.buffer as ArrayBuffer & { transfer?: (length: number) => ArrayBuffer };
		// Memory that is shared with other buffers is not ours to give.
		if (chunk.length === memory.byteLength) memory.transfer?.(0);
	}
}

function* slices(bytes: Buffer): Iterable<Buffer> {
	for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}
