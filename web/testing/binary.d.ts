/** The path of a binary of `cmd/dashwire`, or of another command of the module; `DASHWIRE_BIN` names the first by hand. */
export declare function binary(command?: string): Promise<string>;
