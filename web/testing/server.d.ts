export interface ServerOptions {
    /** A server on which one signs in, with a token of {@link token}; its data lives as long as its process. */
    readonly signIn?: boolean;
    /** Keep the live dashboard of this machine; default false. */
    readonly demo?: boolean;
    /** More flags of `dashwire serve`: `['--heartbeat=1s']`. */
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
}
export interface TestServer {
    /** `http://127.0.0.1:port` */
    readonly url: string;
    readonly port: number;
    /** All that the server printed. */
    readonly log: string;
    /** SIGKILL; resolves when it is gone. */
    kill(): Promise<void>;
    /** SIGTERM: sessions are drained first (C7). Resolves when it is gone. */
    stop(): Promise<void>;
    /** Starts it again, on the same port and data; kills it first if it runs. Resolves when it is ready. */
    restart(): Promise<void>;
    /** Kills it and removes its data. */
    dispose(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
/** Starts a server and waits until it is ready. Dispose it: `await using server = await startServer()`. */
export declare function startServer(options?: ServerOptions): Promise<TestServer>;
/** A token for a server with `signIn`: its user has the role on every dashboard but those called `secret…`. */
export declare function token(user: string, role?: 'viewer' | 'feeder' | 'editor' | 'owner', lastsMs?: number): string;
