package board

// Limit names a limit of the server, for metrics and alerts. The names are stable;
// docs/operations.md lists all of them. Those that deciding and decoding hold ops
// against are here, the others in package observe.
type Limit string

// The limits on what ops hold and make (D5).
const (
	LimitMessageBytes  Limit = "message-bytes"
	LimitDocumentBytes Limit = "document-bytes"
	LimitWidgets       Limit = "widgets"
	LimitOperations    Limit = "operations"
	LimitPaths         Limit = "paths"
	// LimitBatchBytes is on what the operations of a batch edit between them.
	LimitBatchBytes  Limit = "batch-bytes"
	LimitDashboards  Limit = "dashboards"
	LimitBreakpoints Limit = "breakpoints"
	// LimitDepth is on the nesting of messages and values (D4).
	LimitDepth Limit = "depth"
	// LimitStateBytes and LimitValueBytes are on presence and live values (W2, W3).
	LimitStateBytes Limit = "state-bytes"
	LimitValueBytes Limit = "value-bytes"
)
