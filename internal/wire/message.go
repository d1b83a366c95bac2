// Package wire is the border between bytes and typed messages: it decodes what
// clients send into types that cannot be wrong, and encodes what the server sends.
// docs/PROTOCOL.md is the authority; the vectors in testdata pin it.
//
// Reading: bytes → [Decode] → [Message], whose payload is exactly one of its
// pointer fields. Writing: the Append functions, then [AppendFrame] once for all
// WebSocket readers. It knows no sockets, no sessions and no rights.
package wire

import (
	"time"

	"github.com/dashwire/dashwire/board"
)

// Protocol is the version told in CONNECT; Subprotocol its name in the handshake.
const (
	Protocol    = 1
	Subprotocol = "dashwire.v1"
)

// The message types beside the operations, whose types are board.Type.
const (
	TypeConnect      = "CONNECT"
	TypeDisconnect   = "DISCONNECT"
	TypePing         = "PING"
	TypePong         = "PONG"
	TypeSyncRequest  = "SYNC_REQUEST"
	TypeSyncResponse = "SYNC_RESPONSE"
	TypeSyncUpdate   = "SYNC_UPDATE"
	TypeSyncEntries  = "SYNC_ENTRIES"
	TypeConflict     = "CONFLICT_DETECTED"
	TypeAck          = "ACK"
	TypeNack         = "NACK"
	TypePresence     = "PRESENCE"
	TypeData         = "WIDGET_DATA"
	TypeApp          = "APP_MESSAGE"
)

// Message is one decoded message of a client. At most one of the pointer fields
// is set; PING and DISCONNECT have none.
type Message struct {
	Type string
	ID   string

	Op       *board.Op    // any operation; its Author is empty until the session fills it in
	OpClient string       // the clientId that the op names as its maker, "" = the session's own (M8)
	Connect  *Connect     // CONNECT
	Sync     *SyncRequest // SYNC_REQUEST
	Presence *Presence    // PRESENCE
	Data     *Data        // WIDGET_DATA
}

// Connect is what a client says of itself.
type Connect struct {
	ClientID     string // "" = the server makes one
	Token        string
	AppHeartbeat bool // heartbeat: "app"
	Together     bool // entries: "together" (R10)
}

// SyncRequest subscribes to a dashboard or ends the subscription.
type SyncRequest struct {
	DashboardID string
	Since       *Since
	Unsubscribe bool
}

// Since is the last version that a client has.
type Since struct {
	Epoch   string
	Version uint64
}

// Presence is the state of one session on a dashboard: any JSON up to 4 KiB.
type Presence struct {
	DashboardID string
	State       board.Value
}

// Data carries live values of one dashboard, in no particular order.
type Data struct {
	DashboardID string
	Values      []DataValue
}

// DataValue is the live value of one widget.
type DataValue struct {
	WidgetID string
	Data     board.Value
	// Append adds the points in Data (an array) to the window; else Data replaces.
	Append bool
	// Window is the number of points to keep, 0 = 1,000.
	Window int
}

// Limits are the D5 limits as told in CONNECT.
type Limits struct {
	MessageBytes  int
	DocumentBytes int
	Widgets       int
	Operations    int
	Dashboards    int
	Paths         int
}

// Welcome is the server's CONNECT.
type Welcome struct {
	SessionID        string
	ClientID, UserID string // "" = null
	ServerTime       time.Time
	HeartbeatEvery   time.Duration
	HeartbeatTimeout time.Duration
	ReconnectMin     time.Duration
	ReconnectMax     time.Duration
	Limits           Limits
	AuthRequired     bool
}

// Goodbye is the server's DISCONNECT.
type Goodbye struct {
	Code   int
	Reason string
	// Reconnect tells whether and, in [AfterMin, AfterMax], when to come back.
	Reconnect          bool
	AfterMin, AfterMax time.Duration
}

// Ack is a positive answer to an op. Its content is in Of.
type Ack struct {
	DashboardID string
	// Epoch that the version counts in; "" while the dashboard is empty.
	Epoch      string
	InStream   bool
	Durability string
	Of         *board.Ack
}

// SyncResponse is everything of a SYNC_RESPONSE beside the document or entries.
type SyncResponse struct {
	DashboardID string
	Epoch       string
	Version     uint64
	Horizon     uint64
	Role        string
	Mode        string // "snapshot", "delta" or "none"
	Rewound     bool
	// Stale tells that the journal is away, so that there may be more (A7).
	Stale    bool
	Presence []PresenceState
	// Count is how many are present when there are too many to list (W3), else 0.
	Count int
	Data  []DataValue
}

// PresenceState is one present session.
type PresenceState struct {
	SessionID string
	ClientID  string
	UserID    string
	State     board.Value
}

// PresenceUpdate is a PRESENCE from the server.
type PresenceUpdate struct {
	DashboardID string
	Joined      []PresenceState
	Changed     []PresenceState
	Left        []string // session ids
	Count       int
}
