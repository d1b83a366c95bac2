/** What can be done with the dashboard that is open. */
export interface PageActions {
  readonly readOnly: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** What undo would take back: `Move CPU`. */
  readonly undoLabel: string | null;
  readonly redoLabel: string | null;
  add(): void;
  undo(): void;
  redo(): void;
  history(): void;
  conflicts(): void;
  share(): void;
  exportAs(format: 'dashwire' | 'grafana'): void;
  kiosk(): void;
}
