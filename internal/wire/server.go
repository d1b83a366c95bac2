package wire

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// ServerMessage is one decoded message of a server. At most one of the pointer
// fields is set; PING has none.
type ServerMessage struct {
	Type          string
	ID            string // of an entry's op, or of a PING
	CorrelationID string
	// Time is the server's clock when it made the message.
	Time time.Time

	Entry    *board.Entry    // any operation, as committed
	Ack      *Ack            // ACK
	Nack     *Nack           // NACK
	Conflict *board.Conflict // CONFLICT_DETECTED
	Welcome  *Welcome        // CONNECT
	Goodbye  *Goodbye        // DISCONNECT
	Sync     *SyncPart       // SYNC_RESPONSE
	Update   *SyncUpdate     // SYNC_UPDATE
	Entries  []*board.Entry  // SYNC_ENTRIES: they follow each other on one dashboard
	Presence *PresenceUpdate // PRESENCE
	Data     *Data           // WIDGET_DATA
	App      *App            // APP_MESSAGE
	Pong     time.Time       // PONG: the server's clock
}

// Nack is a refusal as a client gets it.
type Nack struct {
	Err        *board.Error
	Retryable  bool
	RetryAfter time.Duration // 0 = not told
}

// App is a message of the embedding app.
type App struct {
	Name string
	Data board.Value
}

// SyncPart is a SYNC_RESPONSE, or one part of it (R8).
type SyncPart struct {
	SyncResponse
	Part, Parts int // 1, 1 if it came in one piece
	// Document is set in a snapshot; of several parts each has some of it.
	Document *board.Document
	Entries  []*board.Entry
}

// Join adds the next part to p, which keeps what is in next.
func (p *SyncPart) Join(next *SyncPart) {
	p.Part = next.Part
	p.Entries = append(p.Entries, next.Entries...)
	p.Presence = append(p.Presence, next.Presence...)
	p.Data = append(p.Data, next.Data...)
	if next.Document == nil {
		return
	}
	if p.Document == nil {
		p.Document = next.Document
		return
	}
	for id, w := range next.Document.Widgets {
		p.Document.Widgets[id] = w
	}
	for name, l := range next.Document.Layouts {
		p.Document.Layouts[name] = l
	}
}

// SyncUpdate is a SYNC_UPDATE in one of its three forms.
type SyncUpdate struct {
	DashboardID string
	Epoch       string
	From, To    uint64
	Change      *board.Change
	Closed      string // ClosedDeleted or ClosedForbidden: nothing else is set
	Role        string // a new role: nothing else is set
}

// isEntry reports whether entries have this type.
func isEntry(t board.Type) bool { return isOp(t) || t == board.TypeDashboardDelete }

// DecodeServer reads one message of a server. Unknown fields are ignored; a message
// of an unknown type has its type and none of the pointers. Data is not kept.
func DecodeServer(data []byte) (ServerMessage, error) {
	var m ServerMessage
	if jsontext.Deeper(data, maxDepth) {
		return m, fmt.Errorf("wire: a server message nests deeper than %d", maxDepth)
	}
	canonical, err := jsontext.Canonicalize(data)
	if err != nil {
		return m, fmt.Errorf("wire: reading a server message: %w", err)
	}
	text := board.Value(canonical)
	if !text.IsObject() {
		return m, errors.New("wire: a server message is no object")
	}
	var r reader
	var payload board.Value
	for key, v := range text.Members() {
		switch key {
		case "type":
			m.Type = r.text(key, v)
		case "id":
			m.ID = r.text(key, v)
		case "correlationId":
			m.CorrelationID = r.text(key, v)
		case "timestamp":
			m.Time = r.time(key, v)
		case "payload":
			payload = v
		}
	}
	if m.Type == "" {
		r.fail("type", "is missing")
	}
	if payload != "" && !payload.IsObject() {
		r.fail("payload", "is no object")
	}
	r.payload(&m, text, payload)
	if r.err != nil {
		return ServerMessage{Type: m.Type, ID: m.ID, CorrelationID: m.CorrelationID},
			fmt.Errorf("wire: reading a server message: %w", r.err)
	}
	return m, nil
}

// Head finds type, id and correlationId at the front of a server message without
// decoding the rest; what does not stand before the payload is empty. The slices
// are parts of data.
func Head(data []byte) (messageType, id, correlationID []byte) {
	at := membersOf(data, '{').at
	for {
		key, value, end, ok := stringMemberAt(data, at)
		if !ok {
			return messageType, id, correlationID
		}
		value = value[1 : len(value)-1]
		switch string(key) {
		case "type":
			messageType = value
		case "id":
			id = value
		case "correlationId":
			correlationID = value
		}
		if at = space(data, end); at >= len(data) || data[at] != ',' {
			return messageType, id, correlationID
		}
		at = space(data, at+1)
	}
}

// reader reads the members of canonical text and keeps the first fault.
type reader struct{ err error }

func (r *reader) fail(key, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("member %q %s", key, what)
	}
}

func (r *reader) keep(err error) {
	if err != nil && r.err == nil {
		r.err = err
	}
}

// refusal is keep for the domain's own error type, whose nil is no nil error.
func (r *reader) refusal(err *board.Error) {
	if err != nil {
		r.keep(err)
	}
}

// text reads a string; null is "".
func (r *reader) text(key string, v board.Value) string {
	if v == "null" {
		return ""
	}
	s, ok := textOf(v)
	if !ok {
		r.fail(key, "is no string")
	}
	return s
}

func (r *reader) time(key string, v board.Value) time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.text(key, v))
	if err != nil {
		r.fail(key, "is no time")
	}
	return t
}

func (r *reader) uint(key string, v board.Value) uint64 {
	n, err := strconv.ParseUint(string(v), 10, 64)
	if err != nil {
		r.fail(key, "is no whole number")
	}
	return n
}

func (r *reader) int(key string, v board.Value) int {
	n, err := strconv.Atoi(string(v))
	if err != nil {
		r.fail(key, "is no whole number")
	}
	return n
}

func (r *reader) millis(key string, v board.Value) time.Duration {
	n := r.int(key, v)
	if n < 0 || int64(n) > 1<<40 {
		r.fail(key, "is no duration in milliseconds")
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

// each calls f for the elements of an array.
func (r *reader) each(key string, v board.Value, f func(board.Value)) {
	list := membersOf([]byte(v), '[')
	for raw, ok := list.element(); ok; raw, ok = list.element() {
		f(board.Value(raw))
	}
	if list.broken {
		r.fail(key, "is no array")
	}
}

func (r *reader) texts(key string, v board.Value) []string {
	var list []string
	r.each(key, v, func(item board.Value) { list = append(list, r.text(key, item)) })
	return list
}

// payload reads what the type of the message says.
func (r *reader) payload(m *ServerMessage, text, payload board.Value) {
	switch m.Type {
	case TypePing:
	case TypePong:
		v, _ := payload.Get("/serverTime")
		m.Pong = r.time("serverTime", v)
	case TypeConnect:
		m.Welcome = r.welcome(payload)
	case TypeDisconnect:
		m.Goodbye = r.goodbye(payload)
	case TypeAck:
		m.Ack = r.ack(payload)
	case TypeNack:
		m.Nack = r.nack(payload)
	case TypeConflict:
		c, err := board.ParseConflict(payload)
		r.keep(err)
		m.Conflict = c
	case TypeSyncResponse:
		m.Sync = r.sync(payload)
	case TypeSyncUpdate:
		m.Update = r.update(payload)
	case TypeSyncEntries:
		m.Entries = r.together(payload)
	case TypePresence:
		m.Presence = r.presence(payload)
	case TypeData:
		m.Data = r.data(payload)
	case TypeApp:
		name, _ := payload.Get("/name")
		data, _ := payload.Get("/data")
		m.App = &App{Name: r.text("name", name), Data: data}
	default:
		if isEntry(board.Type(m.Type)) {
			e, err := board.ParseEnvelope(text)
			r.keep(err)
			m.Entry = e
		}
	}
}

func (r *reader) ack(payload board.Value) *Ack {
	a := &Ack{Of: &board.Ack{}}
	report := func() *board.Report {
		if a.Of.Report == nil {
			a.Of.Report = new(board.Report)
		}
		return a.Of.Report
	}
	var err error
	for key, v := range payload.Members() {
		switch key {
		case "dashboardId":
			a.DashboardID = r.text(key, v)
		case "epoch":
			a.Epoch = r.text(key, v)
		case "version":
			a.Of.Version = r.uint(key, v)
		case "inStream":
			a.InStream = v == "true"
		case "status":
			a.Of.Status = board.Status(r.text(key, v))
		case "durability":
			a.Durability = r.text(key, v)
		case "change":
			change, bad := board.ParseChange(v)
			r.refusal(bad)
			a.Of.Change = change
		case "overwrote":
			a.Of.Overwrote, err = board.ParseOverwrote(v)
			r.keep(err)
		case "skipped":
			report().Skipped = r.texts(key, v)
		case "ignored":
			report().Ignored = r.texts(key, v)
		case "results":
			report().Results, err = board.ParseResults(v)
			r.keep(err)
		}
	}
	return a
}

func (r *reader) nack(payload board.Value) *Nack {
	n := &Nack{Err: &board.Error{}}
	var err error
	for key, v := range payload.Members() {
		switch key {
		case "code":
			n.Err.Code = board.Code(r.text(key, v))
		case "message":
			n.Err.Message = r.text(key, v)
		case "retryable":
			n.Retryable = v == "true"
		case "retryAfterMs":
			n.RetryAfter = r.millis(key, v)
		case "path":
			n.Err.Path = r.text(key, v)
		case "current":
			n.Err.Current = v
		case "results":
			n.Err.Results, err = board.ParseResults(v)
			r.keep(err)
		}
	}
	return n
}

func (r *reader) welcome(payload board.Value) *Welcome {
	w := &Welcome{}
	for key, v := range payload.Members() {
		switch key {
		case "sessionId":
			w.SessionID = r.text(key, v)
		case "clientId":
			w.ClientID = r.text(key, v)
		case "userId":
			w.UserID = r.text(key, v)
		case "protocol":
			if n := r.int(key, v); n != Protocol {
				r.fail(key, fmt.Sprintf("is %d, and this client speaks %d: update it", n, Protocol))
			}
		case "serverTime":
			w.ServerTime = r.time(key, v)
		case "authRequired":
			w.AuthRequired = v == "true"
		case "heartbeat":
			for key, v := range v.Members() {
				switch key {
				case "intervalMs":
					w.HeartbeatEvery = r.millis(key, v)
				case "timeoutMs":
					w.HeartbeatTimeout = r.millis(key, v)
				}
			}
		case "reconnect":
			for key, v := range v.Members() {
				switch key {
				case "minMs":
					w.ReconnectMin = r.millis(key, v)
				case "maxMs":
					w.ReconnectMax = r.millis(key, v)
				}
			}
		case "limits":
			w.Limits = r.limits(v)
		}
	}
	return w
}

func (r *reader) limits(v board.Value) Limits {
	var l Limits
	for key, v := range v.Members() {
		switch key {
		case "messageBytes":
			l.MessageBytes = r.int(key, v)
		case "documentBytes":
			l.DocumentBytes = r.int(key, v)
		case "widgets":
			l.Widgets = r.int(key, v)
		case "operations":
			l.Operations = r.int(key, v)
		case "dashboards":
			l.Dashboards = r.int(key, v)
		case "paths":
			l.Paths = r.int(key, v)
		}
	}
	return l
}

func (r *reader) goodbye(payload board.Value) *Goodbye {
	g := &Goodbye{}
	for key, v := range payload.Members() {
		switch key {
		case "code":
			g.Code = r.int(key, v)
		case "reason":
			g.Reason = r.text(key, v)
		case "reconnect":
			if v == "null" {
				continue
			}
			after, _ := v.Get("/afterMs")
			var window []time.Duration
			r.each("afterMs", after, func(v board.Value) { window = append(window, r.millis("afterMs", v)) })
			if len(window) != 2 {
				r.fail("afterMs", "is no pair")
				continue
			}
			g.Reconnect, g.AfterMin, g.AfterMax = true, window[0], window[1]
		}
	}
	return g
}
