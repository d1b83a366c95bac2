package wire

import (
	"errors"
	"fmt"
	"math"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// NodeMessage is what one node of a cluster tells others. Exactly one of its fields is
// set. What another node sends is held against the same rules as what clients send: it
// may be another build, or none of ours.
type NodeMessage struct {
	Hello    *NodeHello    `json:"hello,omitzero"`
	Beat     *NodeBeat     `json:"beat,omitzero"`
	Clients  *NodeClients  `json:"clients,omitzero"`
	Count    *NodeCount    `json:"count,omitzero"`
	Revoked  []NodeRevoked `json:"revoked,omitzero"`
	Rights   *NodeRights   `json:"rights,omitzero"`
	App      *NodeApp      `json:"app,omitzero"`
	End      *NodeEnd      `json:"end,omitzero"`
	Show     *NodeShow     `json:"show,omitzero"`
	Ask      *NodeAsk      `json:"ask,omitzero"`
	Waits    *NodeWaits    `json:"waits,omitzero"`
	Presence *NodePresence `json:"presence,omitzero"`
	Values   *NodeValues   `json:"values,omitzero"`
}

// NodeHello asks the others for what they must tell a node that has begun, or may have
// missed something.
type NodeHello struct {
	Clock uint64 `json:"clock"`
}

// NodeBeat tells now and then that a node is there, and what it holds. Last is set when it
// leaves.
type NodeBeat struct {
	Clock    uint64 `json:"clock"`
	Sessions int    `json:"sessions"`
	Users    int    `json:"users"`
	Rooms    int    `json:"rooms"`
	Last     bool   `json:"last,omitzero"`
}

// NodeClient is a client with the session that it has, and when that took it over (C6).
type NodeClient struct {
	UserID    string `json:"userId"`
	ClientID  string `json:"clientId"`
	SessionID string `json:"sessionId"`
	Clock     uint64 `json:"clock"`
}

// NodeClients tells of clients that have connected. Count asks how many sessions of the
// user others have (C8).
type NodeClients struct {
	List  []NodeClient `json:"list"`
	Count bool         `json:"count,omitzero"`
}

// NodeCount is how many sessions of a session's user another node has.
type NodeCount struct {
	SessionID string `json:"sessionId"`
	Sessions  int    `json:"sessions"`
}

// NodeRevoked is a revocation: of a user or a token (C3). At and Ends are Unix
// milliseconds; an Ends of 0 is not known.
type NodeRevoked struct {
	UserID  string `json:"userId,omitzero"`
	TokenID string `json:"jti,omitzero"`
	At      int64  `json:"at"`
	Ends    int64  `json:"ends,omitzero"`
}

// NodeRights asks for rights to be read anew, of everybody if UserID is "" (P4).
type NodeRights struct {
	UserID string `json:"userId,omitzero"`
}

// NodeApp is a message of the app (W4), to all, one user or one dashboard.
type NodeApp struct {
	UserID      string `json:"userId,omitzero"`
	DashboardID string `json:"dashboardId,omitzero"`
	Except      string `json:"except,omitzero"`
	Name        string `json:"name"`
	// Data is any JSON: it is not stored, and what came in by HTTP was looked at there.
	Data jsontext.RawValue `json:"data"`
}

// NodeEnd has a session ended, wherever it is.
type NodeEnd struct {
	SessionID string `json:"sessionId"`
	Code      int    `json:"code"`
	Reason    string `json:"reason"`
}

// NodeShow is the state of a session of UserID's that a node took in by HTTP, for the node
// that has the session (H2).
type NodeShow struct {
	SessionID   string `json:"sessionId"`
	UserID      string `json:"userId"`
	DashboardID string `json:"dashboardId"`
	State       text   `json:"state"`
}

// NodeWaits tells that a node has lost races for a dashboard's next position again and again,
// and for how long its oldest op has (A3).
type NodeWaits struct {
	DashboardID string `json:"dashboardId"`
	Millis      int    `json:"millis"`
}

// NodeAsk asks for presence and live values of a dashboard.
type NodeAsk struct {
	DashboardID string `json:"dashboardId"`
}

// NodePresence is what has changed among a node's own sessions on a dashboard (W3).
type NodePresence struct {
	DashboardID string `json:"dashboardId"`
	// Number counts a node's changes of one dashboard: 1, 2, 3 … A message without In, Out
	// and All is a sign of life, with the number of the last change and how many are here.
	Number uint64 `json:"n"`
	Count  int    `json:"count,omitzero"`
	// All: In is everybody, up to Number; More follow in the next message.
	All  bool        `json:"all,omitzero"`
	More bool        `json:"more,omitzero"`
	In   []NodeState `json:"in,omitzero"`
	Out  []string    `json:"out,omitzero"`
}

// NodeState is one present session.
type NodeState struct {
	SessionID string `json:"sessionId"`
	ClientID  string `json:"clientId"`
	UserID    string `json:"userId"`
	State     text   `json:"state"`
}

// NodeValues are live values that a node was fed (W1). Those with State answer a NodeAsk:
// Age is how many milliseconds ago they were fed.
type NodeValues struct {
	DashboardID string               `json:"dashboardId"`
	State       bool                 `json:"state,omitzero"`
	Values      map[string]NodeValue `json:"values"`
}

// NodeValue is one live value.
type NodeValue struct {
	Data   text  `json:"data"`
	Append bool  `json:"append,omitzero"`
	Window int   `json:"window,omitzero"`
	Age    int64 `json:"age,omitzero"`
}

// text is a JSON value as it stands. After decoding it is canonical, and within D4.
type text board.Value

// Text makes a member of a NodeMessage of a value.
func Text(v board.Value) text { return text(v) }

// MarshalJSON implements the JSON library's interface.
func (t text) MarshalJSON() ([]byte, error) { return []byte(t), nil }

// UnmarshalJSON implements the JSON library's interface.
func (t *text) UnmarshalJSON(data []byte) error {
	v, err := board.ParseValue(data)
	if err != nil {
		return err
	}
	*t = text(v)
	return nil
}

// EncodeNode writes a message.
func EncodeNode(m *NodeMessage) []byte {
	data, err := jsontext.Encode(m)
	if err != nil {
		panic("wire: encoding a message to nodes: " + err.Error()) // values were checked when they came
	}
	return data
}

// Bounds of what another node may send in one message.
const (
	maxNodeList = 10_000
	maxNodeText = 256  // user ids, token ids
	maxAge      = 1e12 // milliseconds
)

// DecodeNode reads a message of another node. Unknown fields are ignored; a message that
// has none of the known ones is an error.
func DecodeNode(data []byte) (NodeMessage, error) {
	var m NodeMessage
	if jsontext.Deeper(data, maxDepth+maxDepth) {
		return m, fmt.Errorf("wire: a node's message nests deeper than %d", maxDepth)
	}
	if err := jsontext.Decode(data, &m); err != nil {
		return NodeMessage{}, fmt.Errorf("wire: reading a node's message: %w", err)
	}
	if err := m.check(); err != nil {
		return NodeMessage{}, fmt.Errorf("wire: reading a node's message: %w", err)
	}
	return m, nil
}

func (m *NodeMessage) check() error {
	set := 0
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	if m.Hello != nil {
		set++
	}
	if b := m.Beat; b != nil {
		set++
		keep(inRange("sessions", min(b.Sessions, b.Users, b.Rooms), 0, math.MaxInt32))
	}
	if m.Clients != nil {
		set++
		keep(m.Clients.check())
	}
	if c := m.Count; c != nil {
		set++
		keep(id("session", c.SessionID))
		keep(inRange("sessions", c.Sessions, 0, math.MaxInt32))
	}
	if m.Revoked != nil {
		set++
		keep(inRange("revoked", len(m.Revoked), 0, maxNodeList))
		for _, r := range m.Revoked {
			if (r.UserID == "") == (r.TokenID == "") {
				keep(errors.New("a revocation is of one user or of one token"))
			}
			keep(short(r.UserID + r.TokenID))
		}
	}
	if m.Rights != nil {
		set++
		keep(short(m.Rights.UserID))
	}
	if a := m.App; a != nil {
		set++
		keep(short(a.UserID))
		keep(short(a.Name))
		keep(optionalID("dashboard", a.DashboardID))
		keep(optionalID("session", a.Except))
		if a.Data == nil {
			keep(errors.New("data is missing"))
		}
	}
	if e := m.End; e != nil {
		set++
		keep(id("session", e.SessionID))
		keep(inRange("code", e.Code, 1000, 4999))
		keep(short(e.Reason))
	}
	if w := m.Show; w != nil {
		set++
		keep(short(w.UserID))
		keep(id("session", w.SessionID))
		keep(id("dashboard", w.DashboardID))
		keep(inRange("state", len(w.State), 1, MaxStateBytes))
	}
	if m.Ask != nil {
		set++
		keep(id("dashboard", m.Ask.DashboardID))
	}
	if m.Waits != nil {
		set++
		keep(id("dashboard", m.Waits.DashboardID))
		keep(inRange("waited", m.Waits.Millis, 0, 60_000))
	}
	if m.Presence != nil {
		set++
		keep(m.Presence.check())
	}
	if m.Values != nil {
		set++
		keep(m.Values.check())
	}
	if set != 1 {
		keep(fmt.Errorf("it says %d things that this build knows, want one", set))
	}
	return errors.Join(errs...)
}

func (c *NodeClients) check() error {
	if err := inRange("clients", len(c.List), 1, maxNodeList); err != nil {
		return err
	}
	for i := range c.List {
		k := &c.List[i]
		if err := errors.Join(short(k.UserID), id("client", k.ClientID), id("session", k.SessionID)); err != nil {
			return err
		}
	}
	return nil
}

func (p *NodePresence) check() error {
	if err := errors.Join(id("dashboard", p.DashboardID), inRange("presence", len(p.In)+len(p.Out), 0, maxNodeList)); err != nil {
		return err
	}
	for i := range p.In {
		s := &p.In[i]
		if err := errors.Join(short(s.UserID), id("client", s.ClientID), id("session", s.SessionID)); err != nil {
			return err
		}
		if s.State == "" || len(s.State) > MaxStateBytes {
			return fmt.Errorf("a presence state has %d bytes", len(s.State))
		}
	}
	for _, out := range p.Out {
		if err := id("session", out); err != nil {
			return err
		}
	}
	return nil
}

func (v *NodeValues) check() error {
	if err := errors.Join(id("dashboard", v.DashboardID), inRange("values", len(v.Values), 0, maxNodeList)); err != nil {
		return err
	}
	for widget, val := range v.Values {
		switch {
		case board.CheckID("widget", widget) != nil:
			return id("widget", widget)
		case val.Data == "" || len(val.Data) > 2*MaxDataBytes: // a window has commas between its points
			return fmt.Errorf("the live value of %s has %d bytes", widget, len(val.Data))
		case val.Append && board.Value(val.Data).Kind() != '[':
			return fmt.Errorf("the live value of %s is to be appended and no array", widget)
		case val.Window < 0 || val.Window > MaxPoints || val.Age < 0 || val.Age > maxAge:
			return fmt.Errorf("the live value of %s has window %d, age %d", widget, val.Window, val.Age)
		}
	}
	return nil
}

func id(kind, s string) error {
	if err := board.CheckID(kind, s); err != nil {
		return err
	}
	return nil
}

func optionalID(kind, s string) error {
	if s == "" {
		return nil
	}
	return id(kind, s)
}

func short(s string) error {
	if len(s) > maxNodeText {
		return fmt.Errorf("a name has %d bytes", len(s))
	}
	return nil
}

func inRange(what string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s: %d", what, n)
	}
	return nil
}
