/**
 * The one file that talks to the native module. Everything that goes wrong on the way to the core, or is said by it,
 * leaves here as a `CoreError`; `errors.ts` makes node errors of them.
 */

import { randomUUID } from 'crypto';

import { sleep } from 'n8n-workflow';

import { load } from '../../native';
import type { Failure, Notice, Target, Watch } from '../../native';
import type { Calls, Event, Media, UploadMediaInfoInput, WatchPostsRequestInput } from './api';

/** Which core, as whom, and how patiently. */
export interface Core {
	target: Target;
	/** Deadline of one call in milliseconds. */
	timeoutMs: number;
	/** Aborted when the execution is stopped. */
	signal?: AbortSignal;
}

/** What the core, or the way to it, refused. */
export class CoreError extends Error {
	constructor(
		readonly failure: Failure,
		core: Core,
	) {
		super(failure.message);
		this.name = 'CoreError';
		this.address = core.target.address;
		this.hasCa = !!core.target.caCertificate;
		this.timeoutMs = core.timeoutMs;
	}

	/** The core that was asked. */
	readonly address: string;

	/** Whether a CA of the credential's own was trusted. */
	readonly hasCa: boolean;

	/** The deadline that held. */
	readonly timeoutMs: number;
}

/** Calls the core once. */
export async function call<M extends keyof Calls>(
	core: Core,
	method: M,
	request: Calls[M]['request'],
): Promise<Calls[M]['answer']> {
	const { Call } = load();
	const running = new Call();
	return await cancellable(core, running, async () => {
		const json = JSON.stringify(request);
		return unwrap(core, await running.run(core.target, method, json, core.timeoutMs));
	});
}

/** The chunks of a file from a byte on. */
export type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>;

/** Waits after connections that broke without any progress, in milliseconds; then the upload fails. */
const WAITS = [0, 1000, 2000, 5000, 10_000, 20_000];

/**
 * Uploads a file. After a broken connection it asks the core how much arrived, and sends the rest; a file of unknown size
 * cannot be continued.
 */
export async function upload(
	core: Core,
	info: UploadMediaInfoInput,
	from: (offset: number) => Promise<Chunks>,
): Promise<Media> {
	if (info.size_bytes === undefined || info.size_bytes === null) {
		return await uploadOnce(core, info, await from(0));
	}
	const upload_id = randomUUID();
	let offset = 0;
	for (let broken = 0; ; ) {
		const rest = await from(offset);
		const sent = await outcome(uploadOnce(core, { ...info, upload_id, offset }, rest));
		if (sent.status === 'fulfilled') return sent.value;
		const wait = WAITS[broken++];
		if (wait === undefined || core.signal?.aborted || !mayPass(sent.reason)) throw sent.reason;
		await sleep(wait);
		const arrived = await received(core, upload_id);
		if (arrived > offset) broken = 0;
		offset = arrived;
	}
}

/** How a promise ends. */
async function outcome<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
	return (await Promise.allSettled([promise]))[0];
}

/** Bytes of an upload that are in the core; 0, so that all is sent again, when it cannot be asked for half a minute. */
async function received(core: Core, upload_id: string): Promise<number> {
	for (const wait of WAITS) {
		const told = await outcome(call(core, 'MediaService/GetUpload', { upload_id }));
		if (told.status === 'fulfilled') return Number(told.value.received_bytes);
		const error: unknown = told.reason;
		// A core of an older release keeps nothing.
		if (error instanceof CoreError && NOTHING_KEPT.has(error.failure.code)) return 0;
		if (core.signal?.aborted || !mayPass(error)) throw error;
		await sleep(wait);
	}
	return 0;
}

/** Whether it is the connection, or the core for a while. */
function mayPass(error: unknown): boolean {
	return error instanceof CoreError && PASSING.has(error.failure.code);
}

const NOTHING_KEPT = new Set(['NOT_FOUND', 'UNIMPLEMENTED']);

const PASSING = new Set(['UNAVAILABLE', 'ABORTED', 'DEADLINE_EXCEEDED']);

/** One call: each chunk is taken before the next one is read. */
async function uploadOnce(core: Core, info: UploadMediaInfoInput, chunks: Chunks): Promise<Media> {
	const { Upload } = load();
	const running = new Upload();
	return await cancellable(core, running, async () => {
		running.start(core.target, JSON.stringify(info), core.timeoutMs);
		let complete = false;
		try {
			for await (const chunk of chunks) {
				const { answer, failure } = await running.write(chunk);
				if (failure) throw new CoreError(failure, core);
				// The core has the file already, or refuses it, or the connection broke: its answer says which.
				if (answer === 'enough') break;
			}
			complete = true;
		} finally {
			// A file that could not be read to its end must not look like one that could.
			if (!complete) running.cancel();
		}
		return unwrap(core, await running.finish()) as Media;
	});
}

/** What a stream tells. */
export type StreamNotice =
	| { kind: 'open' | 'position'; position: number }
	| { kind: 'event'; position: number; event: Event }
	| { kind: 'lost'; error: CoreError; retryInMs: number }
	| { kind: 'stopped' | 'limit' }
	| { kind: 'failed'; error: CoreError };

/**
 * Holds an event stream open. `take` is called with one notice at a time; the next one comes when its promise is settled.
 * It must not throw: nobody could catch it.
 */
export function watch(
	core: Core,
	request: WatchPostsRequestInput,
	limitMs: number | null,
	take: (notice: StreamNotice) => Promise<void>,
): Watch {
	const { Watch } = load();
	const stream = new Watch();
	stream.start(core.target, JSON.stringify(request), limitMs, async (notice) => {
		await take(read(core, notice));
	});
	return stream;
}

function read(core: Core, notice: Notice): StreamNotice {
	const error = () => new CoreError(notice.failure as Failure, core);
	switch (notice.kind) {
		case 'event':
			return {
				kind: 'event',
				position: notice.position as number,
				event: JSON.parse(notice.event as string) as Event,
			};
		case 'lost':
			return { kind: 'lost', error: error(), retryInMs: notice.retryInMs as number };
		case 'failed':
			return { kind: 'failed', error: error() };
		case 'stopped':
		case 'limit':
			return { kind: notice.kind };
		default:
			return { kind: notice.kind, position: notice.position as number };
	}
}

async function cancellable<T>(
	core: Core,
	running: { cancel(): void },
	body: () => Promise<T>,
): Promise<T> {
	const cancel = () => {
		try {
			running.cancel();
		} catch {
			// Nobody catches what a listener throws. The call then ends by its deadline.
		}
	};
	if (core.signal?.aborted) cancel();
	core.signal?.addEventListener('abort', cancel, { once: true });
	try {
		return await body();
	} finally {
		core.signal?.removeEventListener('abort', cancel);
	}
}

function unwrap<T>(
	core: Core,
	{ answer, failure }: { answer: string | null; failure: Failure | null },
): T {
	if (failure) throw new CoreError(failure, core);
	return JSON.parse(answer as string) as T;
}
