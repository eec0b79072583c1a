/**
 * The trigger of a published workflow.
 *
 * It follows the core's event stream from the stored position. A stream that is lost is opened again by the native module and
 * only logged: telling n8n would make it close and open the trigger, and two of them might then live. Only what time does
 * not heal (a revoked key) is told, once, after the own stream is closed. Activation fails when the core cannot be reached,
 * which n8n shows and tries again by itself.
 */

import type { IDataObject, IRun, ITriggerFunctions, ITriggerResponse } from 'n8n-workflow';
import { sleep } from 'n8n-workflow';

import type { Watch } from '../../native';
import type { Event } from '../shared/api';
import { coreForTrigger } from '../shared/core';
import { nodeError } from '../shared/errors';
import { type Core, CoreError, type StreamNotice, watch } from '../shared/transport';
import { eventItem, readWanted } from './item';
import { kindOf, typesOf, type Wanted } from './kinds';
import { Position, type Stored } from './position';

/** Executions that may run at a time; further events wait in the core. */
const MOST_RUNNING = 20;

/** After this long an execution no longer keeps others from starting. */
const PATIENCE_MS = 5 * 60_000;

/** n8n's own stop must not wait longer for us. */
const CLOSE_MS = 2_000;

/** Longest timer that is left behind. */
const NAP_MS = 250;

/** Starts to listen; throws when the core cannot be reached or refuses. */
export async function listen(
	node: ITriggerFunctions,
	options: IDataObject,
): Promise<ITriggerResponse> {
	const core = await coreForTrigger(node, options.userId);
	const wanted = readWanted(node, options);
	const stored = node.getWorkflowStaticData('node') as Stored;
	const position = new Position(stored, `${core.target.address}#${core.target.userId ?? ''}`);
	const begin = position.sequence ?? (options.startFrom === 'oldest' ? 0 : undefined);
	const listener = new Listener(node, core, wanted, position);
	await listener.open(begin).catch(async (error: Error) => {
		const oldest = oldestKept(error);
		if (oldest === undefined) return await Promise.reject(error);
		node.logger.warn(
			`AuraReels Trigger: events after ${begin} are no longer kept; continuing from ${oldest}`,
		);
		return await listener.open(oldest);
	});
	return { closeFunction: async () => await listener.close() };
}

/** The position to go on from when the stored one is older than what the core keeps. */
function oldestKept(error: Error): number | undefined {
	if (!(error instanceof CoreError) || error.failure.code !== 'OUT_OF_RANGE') return undefined;
	const oldest = Number(error.failure.metadata.oldest_sequence);
	return Number.isSafeInteger(oldest) ? Math.max(0, oldest - 1) : undefined;
}

class Listener {
	private stream: Watch | undefined;

	private lost = false;

	private closed = false;

	/** The key of the newest execution, which n8n knows. */
	private newestKey: string | undefined;

	private readonly running = new Set<Promise<unknown>>();

	constructor(
		private readonly node: ITriggerFunctions,
		private readonly core: Core,
		private readonly wanted: Wanted,
		private readonly position: Position,
	) {}

	/** Opens the stream and waits until the core has answered. */
	async open(begin: number | undefined): Promise<void> {
		const request = { after_sequence: begin ?? null, types: typesOf(this.wanted) };
		let opened = false;
		await new Promise<void>((resolve, reject) => {
			this.stream = watch(this.core, request, null, async (notice) => {
				if (opened) {
					await this.take(notice).catch((error: Error) => this.fail(error));
				} else if (notice.kind === 'open') {
					opened = true;
					if (begin === undefined) this.position.pass(notice.position);
					resolve();
				} else if (notice.kind === 'lost' || notice.kind === 'failed') {
					reject(notice.error);
				}
			});
		}).catch(async (error: Error) => {
			await this.stop();
			return await Promise.reject(error);
		});
	}

	/** Ends the stream and stores how far it came; never takes longer than `CLOSE_MS`. */
	async close(): Promise<void> {
		this.closed = true;
		await this.withLimit(
			CLOSE_MS,
			this.stop().then(async () => await this.store()),
		);
	}

	/** Waits for something, but no longer than this. In short naps, so that no long timer outlives what it was for. */
	private async withLimit(limitMs: number, something: Promise<unknown>): Promise<void> {
		const end = Date.now() + limitMs;
		let done = false;
		const limit = async () => {
			while (!done && Date.now() < end) await sleep(Math.min(NAP_MS, end - Date.now()));
		};
		await Promise.race([something, limit()]);
		done = true;
	}

	private async stop(): Promise<void> {
		await this.stream?.stop();
	}

	/**
	 * Has n8n store the static data. It does so only when an execution is started, so one is: an empty one, which runs no node,
	 * under a key that n8n has seen, which it therefore skips.
	 */
	private async store(): Promise<void> {
		this.position.close();
		if (this.newestKey === undefined) return;
		const skipped = this.node.helpers.createDeferredPromise<IRun>();
		this.node.emit([[]], undefined, skipped, this.newestKey);
		await skipped.promise.catch(() => undefined);
	}

	private async take(notice: StreamNotice): Promise<void> {
		if (this.closed) return;
		const { logger } = this.node;
		switch (notice.kind) {
			case 'event':
				await this.event(notice.event);
				break;
			case 'position':
				this.position.pass(notice.position);
				break;
			case 'lost':
				if (!this.lost)
					logger.warn(`AuraReels Trigger: event stream lost: ${notice.error.message}`);
				this.lost = true;
				break;
			case 'open':
				if (this.lost) logger.info('AuraReels Trigger: event stream restored');
				this.lost = false;
				break;
			case 'failed':
				this.fail(notice.error);
				break;
		}
	}

	/** It cannot go on. n8n then deactivates the workflow, and tries to activate it again from time to time. */
	private fail(error: Error): void {
		if (this.closed) return;
		this.closed = true;
		const tell = () => this.node.emitError(nodeError(this.node.getNode(), error));
		// Not awaited: the stream that is stopped waits for the notice from which this is called.
		void this.stop().then(tell, tell);
	}

	private async event(event: Event): Promise<void> {
		const kind = kindOf(event, this.wanted);
		if (kind === undefined || this.position.isDone(event.sequence)) {
			this.position.pass(event.sequence);
			return;
		}
		if (this.running.size >= MOST_RUNNING) {
			const [oldest] = this.running;
			await this.withLimit(PATIENCE_MS, Promise.race(this.running));
			if (this.running.size >= MOST_RUNNING) this.running.delete(oldest);
		}
		if (this.closed) return;

		const done = this.node.helpers.createDeferredPromise<IRun>();
		this.newestKey = this.key(event, this.position.start(event.sequence));
		this.node.emit([[eventItem(event, kind)]], undefined, done, this.newestKey);
		this.follow(event.sequence, done.promise);
	}

	private follow(sequence: number, done: Promise<IRun>): void {
		const ended: Promise<unknown> = done
			.catch(() => undefined)
			.then(() => {
				this.running.delete(ended);
				if (!this.closed) this.position.end(sequence);
			});
		this.running.add(ended);
	}

	/** Names an execution. After a kill the same event is started again, under another name: n8n refuses a name it knows. */
	private key(event: Event, isRepeated: boolean): string {
		const parts = [
			this.node.getWorkflow().id,
			this.node.getNode().id,
			event.sequence,
			event.created_at,
		];
		if (isRepeated) parts.push(Date.now());
		return `aurareels:${parts.join(':')}`;
	}
}
