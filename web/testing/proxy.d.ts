export interface TestProxy {
    /** `http://127.0.0.1:port` */
    readonly url: string;
    readonly port: number;
    /** How many connections are open. */
    readonly open: number;
    /** How many connections came in so far. */
    readonly accepted: number;
    /** Resets all connections that are open. */
    cut(): void;
    /** From now on new connections are reset at once. */
    refuse(on: boolean): void;
    /** Holds back all bytes in both directions, of new connections too; false lets them go on. Nothing is lost. */
    stall(on: boolean): void;
    /**
     * What becomes of requests for a WebSocket: `403`, `drop` = the line is closed unanswered, `hang` = nothing at all; null
     * lets them through. Those that are open stay.
     */
    blockWebSocket(how: '403' | 'drop' | 'hang' | null): void;
    dispose(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
/** Starts a proxy to a port of this machine. */
export declare function startProxy(targetPort: number): Promise<TestProxy>;
