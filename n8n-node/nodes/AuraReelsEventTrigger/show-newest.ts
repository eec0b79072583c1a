/**
 * The trigger in the editor: shows the newest event of the wanted kinds, so that a workflow can be built with real data, or
 * waits for the next one where there is none yet. Nothing is stored.
 */

import type { IDataObject, ITriggerFunctions, ITriggerResponse } from 'n8n-workflow';

import type { Watch } from '../../native';
import type { Event } from '../shared/api';
import { coreForTrigger } from '../shared/core';
import { nodeError } from '../shared/errors';
import { type Core, CoreError, watch } from '../shared/transport';
import { eventItem, readWanted } from './item';
import { kindOf } from './kinds';

/** So many of the newest events are looked through. */
const LOOK_BACK = 1000;

/** Answers at once; the event comes later. */
export function showNewest(node: ITriggerFunctions, options: IDataObject): ITriggerResponse {
	const wanted = readWanted(node, options);
	let closed = false;
	let stream: Watch | undefined;
	const show = (event: Event, kind: string) => node.emit([[eventItem(event, kind)]]);

	const look = async (core: Core, newest: number, after: number) =>
		await new Promise<void>((resolve, reject) => {
			let found: [Event, string] | undefined;
			stream = watch(core, { after_sequence: after }, null, async (notice) => {
				if (notice.kind === 'failed') reject(notice.error);
				if (notice.kind === 'stopped') resolve();
				if (notice.kind !== 'event' && notice.kind !== 'position') return;
				if (notice.kind === 'event') {
					const kind = kindOf(notice.event, wanted);
					if (kind !== undefined) found = [notice.event, kind];
				}
				if (found && notice.position >= newest) {
					show(...found);
					resolve();
				}
			});
		});

	const manualTriggerFunction = async () => {
		try {
			const core = await coreForTrigger(node, options.userId);
			const newest = await newestPosition(core);
			await look(core, newest, Math.max(0, newest - LOOK_BACK)).catch(async (error: Error) => {
				// Fewer are kept than were looked for: then all of them.
				const tooOld = error instanceof CoreError && error.failure.code === 'OUT_OF_RANGE';
				return tooOld ? await look(core, newest, 0) : await Promise.reject(error);
			});
		} catch (error) {
			throw nodeError(node.getNode(), error as Error);
		} finally {
			if (!closed) await stream?.stop();
		}
	};
	return {
		manualTriggerFunction,
		closeFunction: async () => {
			closed = true;
			await stream?.stop();
		},
	};
}

/** Where the stream stands now. */
async function newestPosition(core: Core): Promise<number> {
	let stream: Watch | undefined;
	try {
		return await new Promise<number>((resolve, reject) => {
			stream = watch(core, {}, core.timeoutMs, async (notice) => {
				if (notice.kind === 'open') resolve(notice.position);
				if (notice.kind === 'lost' || notice.kind === 'failed') reject(notice.error);
			});
		});
	} finally {
		await stream?.stop();
	}
}
