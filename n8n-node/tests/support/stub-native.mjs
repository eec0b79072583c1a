// A native module that records what it is asked and answers what a test says. Must be imported before the node.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const path = require.resolve('../../dist/native/index.js');
const real = require(path);

/** What was asked since the last reset: `{ method, request, target, timeoutMs }`. */
export const asked = [];

let answers = {};

/** Forgets what was asked; `next` holds the answer, or a function of the request, by method. */
export function answer(next) {
	asked.length = 0;
	streams.length = 0;
	answers = next;
}

/** A failure as the native module hands it over. */
export function failure(code, more = {}) {
	const shape = {
		code,
		reason: null,
		message: '',
		metadata: {},
		retryDelayMs: null,
		fieldViolations: [],
	};
	return { failure: { ...shape, ...more } };
}

class Call {
	async run(target, method, json, timeoutMs) {
		const request = JSON.parse(json);
		asked.push({ method, request, target, timeoutMs });
		if (!(method in answers)) throw new Error(`unexpected call of ${method}`);
		const said = typeof answers[method] === 'function' ? answers[method](request) : answers[method];
		if (said?.failure) return { answer: null, failure: said.failure };
		return { answer: JSON.stringify(said), failure: null };
	}

	cancel() {
		answers.cancel?.();
	}
}

class Upload {
	start(target, info, patienceMs) {
		this.call = {
			method: 'UploadMedia',
			request: JSON.parse(info),
			target,
			timeoutMs: patienceMs,
			chunks: [],
		};
		asked.push(this.call);
	}

	async write(bytes) {
		this.call.chunks.push(Buffer.from(bytes));
		return { answer: 'more', failure: null };
	}

	async finish() {
		const { UploadMedia } = answers;
		const said = typeof UploadMedia === 'function' ? UploadMedia(this.call) : UploadMedia;
		return said?.failure
			? { answer: null, failure: said.failure }
			: { answer: JSON.stringify(said), failure: null };
	}

	cancel() {
		this.call.cancelled = true;
	}
}

/** The streams that were opened: `{ request, limitMs, tell(notice), stopped }`. */
export const streams = [];

/** Resolves when so many streams were opened. */
export async function opened(count) {
	while (streams.length < count) await new Promise((resolve) => setImmediate(resolve));
	return streams[count - 1];
}

class Watch {
	start(_target, json, limitMs, notify) {
		const empty = { position: null, event: null, failure: null, retryInMs: null };
		this.stream = {
			request: JSON.parse(json),
			limitMs,
			stopped: false,
			tell: async (notice) => {
				const event = notice.event ? JSON.stringify(notice.event) : null;
				await notify({ ...empty, ...notice, event });
			},
		};
		streams.push(this.stream);
	}

	async stop() {
		if (this.stream.stopped) return;
		this.stream.stopped = true;
		await this.stream.tell({ kind: 'stopped' });
	}
}

real.load = () => ({ version: () => 'stub', Call, Upload, Watch });
