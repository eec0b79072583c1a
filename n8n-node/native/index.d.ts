/** Who calls which core. */
export interface Target {
	/** `http://host:port` or `https://host:port`. */
	address: string;
	/** API key or JWT. */
	apiKey: string;
	/** The user to act for, with a key that may act for any. */
	userId?: string;
	/** A CA in PEM that is trusted besides the public ones. */
	caCertificate?: string;
}

/** A field that the core refused. */
export interface FieldViolation {
	field: string;
	description: string;
}

/** What went wrong. */
export interface Failure {
	/** Name of the gRPC code: `NOT_FOUND`. */
	code: string;
	/** Stable word, of the core or of the addon (`CORE_UNREACHABLE`, `CONNECTION_LOST`, `NO_ANSWER`, ...). */
	reason: string | null;
	message: string;
	/** Facts by name; `remedy` says what to do. */
	metadata: Record<string, string>;
	/** Milliseconds after which it makes sense to ask again. */
	retryDelayMs: number | null;
	fieldViolations: FieldViolation[];
}

/** An answer in JSON, or what went wrong: one of the two is `null`. */
export interface Answer {
	answer: string | null;
	failure: Failure | null;
}

/** What a watch tells. */
export interface Notice {
	/** `stopped`, `limit` and `failed` end the stream. */
	kind: 'open' | 'event' | 'position' | 'lost' | 'stopped' | 'limit' | 'failed';
	position: number | null;
	/** The event in JSON. */
	event: string | null;
	failure: Failure | null;
	/** Milliseconds until the stream is opened again. */
	retryInMs: number | null;
}

/** One call. */
export declare class Call {
	/** Calls `method` ("PostService/GetPost") with a request in JSON. */
	run(target: Target, method: string, request: string, timeoutMs: number): Promise<Answer>;
	/** Gives up: the call ends at once. What was sent may have been done. */
	cancel(): void;
}

/** An event stream. Dropping it ends the stream. */
export declare class Watch {
	/**
	 * Opens the stream of a WatchPostsRequest in JSON. The next notice comes once the promise is resolved. With a `limitMs`
	 * it ends by itself, at the latest when the process is asked to end (`failed` with `PROCESS_ENDS`).
	 */
	start(
		target: Target,
		request: string,
		limitMs: number | null,
		notify: (notice: Notice) => Promise<void>,
	): void;
	/** Ends the stream and waits until it has ended. */
	stop(): Promise<void>;
}

/** A video on its way to the core. */
export declare class Upload {
	/** Begins with an UploadMediaInfo in JSON. The core may take `patienceMs` for each chunk and for its answer. */
	start(target: Target, info: string, patienceMs: number): void;
	/** Hands over the next bytes and waits for room: "more", or "enough" when the core wants no more. */
	write(bytes: Buffer): Promise<Answer>;
	/** Ends the file and waits for the answer: Media in JSON. */
	finish(): Promise<Answer>;
	/** Gives up: nothing is kept of the file. */
	cancel(): void;
}

/** What the native module exports. */
export interface Native {
	version(): string;
	Call: typeof Call;
	Watch: typeof Watch;
	Upload: typeof Upload;
}

/** The native module does not load here. */
export declare class NativeModuleError extends Error {
	/** What to do. */
	description: string;
	/** Why each binary of the package does not load. */
	attempts: Array<{ name: string; reason: string }>;
}

/** Every platform with a binary, in the order in which they are tried. */
export declare const CANDIDATES: Array<[name: string, open: () => Native]>;

/** The native module, or a NativeModuleError. */
export declare function load(): Native;
