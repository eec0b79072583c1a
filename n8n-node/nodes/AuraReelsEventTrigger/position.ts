/**
 * How far a trigger has come, kept in the workflow's static data.
 *
 * n8n stores static data when an execution is started, and at no other time that a trigger could choose; it does so before the
 * execution is stored. So the position that is stored with an execution's start does not count that event yet: it counts as
 * started, and is passed once its execution has ended. After a kill, what had been started comes again (at least once);
 * what is known to have ended does not. A clean stop stores the whole position (see `AuraReelsEventTrigger`), so that nothing
 * comes again.
 */

/** The static data of a trigger node. */
export interface Stored {
	/** The core and user that the numbers belong to. */
	core?: string;
	/** Everything up to here is done: the place to resume from. */
	sequence?: number;
	/** The newest event that was seen. */
	seen?: number;
	/** Events whose executions were started and have not ended. */
	started?: number[];
}

/** The position of one running trigger. */
export class Position {
	private readonly running = new Set<number>();

	/** What had been started when n8n was killed, and has to come again. */
	private readonly again: Set<number>;

	/** Up to here, only what is in `again` is still wanted. */
	private readonly seenBefore: number;

	private seen: number;

	constructor(
		private readonly stored: Stored,
		core: string,
	) {
		if (stored.core !== core) {
			// Another core, or another user: its numbers mean something else.
			stored.core = core;
			delete stored.sequence;
			delete stored.seen;
			delete stored.started;
		}
		this.again = new Set(stored.started ?? []);
		this.seenBefore = stored.seen ?? stored.sequence ?? -1;
		this.seen = this.seenBefore;
	}

	/** Where to resume; `undefined` before the first activation. */
	get sequence(): number | undefined {
		return this.stored.sequence;
	}

	/** Whether an event was dealt with before n8n was stopped. */
	isDone(sequence: number): boolean {
		return sequence <= this.seenBefore && !this.again.has(sequence);
	}

	/** Everything up to here is seen, and nothing of it is wanted. Events come in order. */
	pass(sequence: number): void {
		this.seen = Math.max(this.seen, sequence);
		for (const one of this.again) if (one <= sequence) this.again.delete(one);
		this.write();
	}

	/** An execution is about to be started. True when one was started for this event before n8n was killed. */
	start(sequence: number): boolean {
		const isRepeated = this.again.has(sequence);
		this.running.add(sequence);
		this.pass(sequence);
		return isRepeated;
	}

	/** An execution has ended. */
	end(sequence: number): void {
		this.running.delete(sequence);
		this.write();
	}

	/** A clean stop: n8n lets everything that was started come to its end. */
	close(): void {
		this.running.clear();
		this.write();
	}

	private write(): void {
		const started = [...this.running, ...this.again].sort((a, b) => a - b);
		this.stored.sequence = started.length > 0 ? started[0] - 1 : this.seen;
		this.stored.seen = this.seen;
		this.stored.started = started;
	}
}
