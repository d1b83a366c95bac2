package observe

import "github.com/dashwire/dashwire/board"

// Limit names a limit of the server. The names are stable and few, so that they can be
// labels of metrics; docs/operations.md tells of each what it bounds and what clients
// see.
type Limit = board.Limit

// The limits on connections and on what comes over them, beside those on what ops hold
// (board.LimitMessageBytes and those after it).
const (
	// On how many there are (C8).
	LimitSessions              Limit = "sessions"
	LimitSessionsPerUser       Limit = "sessions-per-user"
	LimitSessionsPerAddress    Limit = "sessions-per-address"
	LimitUnsignedSessions      Limit = "unsigned-sessions"
	LimitUnsignedPerAddress    Limit = "unsigned-sessions-per-address"
	LimitConnectionsPerAddress Limit = "connections-per-address"
	LimitConnections           Limit = "connections"
	LimitMemory                Limit = "memory"
	LimitRevocations           Limit = "revocations"
	LimitConnectsPerAddress    Limit = "connects-per-address"
	LimitRequestsPerAddress    Limit = "requests-per-address"
	LimitRequests              Limit = "requests"
	LimitRequestBytes          Limit = "request-bytes"
	LimitSessionRate           Limit = "session-rate"
	LimitSessionRateForTooLong Limit = "session-rate-too-long"
	LimitBadMessages           Limit = "bad-messages"
	LimitHeldBytes             Limit = "held-bytes"
	LimitIncomingBytes         Limit = "incoming-bytes"
	LimitStalled               Limit = "stalled"
	LimitSignInTime            Limit = "sign-in-time"
	LimitUnsignedMessageBytes  Limit = "unsigned-message-bytes"
	LimitDroppedBytes          Limit = "dropped-bytes"
	LimitFragments             Limit = "fragments"
	LimitMessageTime           Limit = "message-time"
	LimitControlFrames         Limit = "control-frames"
	LimitTokenBytes            Limit = "token-bytes"
	LimitBodyBytes             Limit = "body-bytes"
	LimitBodyTime              Limit = "body-time"
	LimitHeaderBytes           Limit = "header-bytes"
	LimitHeaderTime            Limit = "header-time"
)

// Limits are all of them, for who makes a series of each.
func Limits() []Limit {
	return []Limit{
		board.LimitMessageBytes, board.LimitDocumentBytes, board.LimitWidgets, board.LimitOperations,
		board.LimitPaths, board.LimitBatchBytes, board.LimitDashboards, board.LimitBreakpoints,
		board.LimitDepth, board.LimitStateBytes, board.LimitValueBytes,
		LimitSessions, LimitSessionsPerUser, LimitSessionsPerAddress, LimitUnsignedSessions, LimitUnsignedPerAddress,
		LimitConnectionsPerAddress, LimitConnections, LimitMemory, LimitRevocations,
		LimitConnectsPerAddress, LimitRequestsPerAddress, LimitRequests, LimitRequestBytes,
		LimitSessionRate, LimitSessionRateForTooLong, LimitBadMessages, LimitHeldBytes, LimitIncomingBytes, LimitStalled, LimitSignInTime,
		LimitUnsignedMessageBytes, LimitDroppedBytes, LimitFragments, LimitMessageTime, LimitControlFrames,
		LimitTokenBytes, LimitBodyBytes, LimitBodyTime, LimitHeaderBytes, LimitHeaderTime,
	}
}

// Refuse follows a NACK, or a refused request: it calls Refused and, if the refusal is
// for a limit, Limited.
func (h *Hooks) Refuse(s Session, err *board.Error) {
	if h.Refused != nil {
		h.Refused(s, err)
	}
	h.Limit(err.Limit, s)
}

// Limit calls Limited if l is a limit.
func (h *Hooks) Limit(l Limit, s Session) {
	if l != "" && h.Limited != nil {
		h.Limited(l, s)
	}
}
