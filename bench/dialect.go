package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	measure "github.com/dashwire/dashwire/internal/bench"
)

// kind is what a message means to the generator.
type kind uint8

const (
	otherKind    kind = iota
	deliveryKind      // one entry: version, and sent if it was asked for
	jumpKind          // several entries as one, up to version
	syncedKind        // the answer to subscribing: version
	ackKind           // of the edit serial
	refusedKind       // something that the generator asked for
	heartbeat         // must be answered by the dialect's pulse
	welcomeKind       // the server takes what follows hello
)

// event is one message, or one part of it.
type event struct {
	kind    kind
	serial  uint32
	version uint64
	sent    int64 // stamp of the edit; 0 = unknown
}

// edit is one change that a client asks for.
type edit struct {
	serial    uint32
	client    int // number of the editor; with serial unique in a run
	stamp     int64
	dashboard string
	widget    int
	fill      string // makes the message larger
}

// dialect is how to speak with one kind of server. Messages are text.
type dialect interface {
	// path is that of the upgrade.
	path() string
	// hello is what a client sends first, "" = nothing.
	hello(client string) string
	// welcomes tells that a client must hear a welcome before it sends more.
	welcomes() bool
	subscribe(dashboard string) string
	// pulse answers a heartbeat.
	pulse() string
	appendEdit(to []byte, e *edit) []byte
	// parse appends what a message holds. It looks for the stamp if timed.
	parse(to []event, message []byte, timed bool) []event
}

// dialectOf returns the dialect of this name; run makes names of clients unique.
func dialectOf(name, run string) (dialect, error) {
	switch name {
	case "plain":
		return plain{}, nil
	case "socketio":
		return socketIO{}, nil
	case "centrifuge":
		return centrifugal{}, nil
	case "dashwire":
		return &dashwire{run: run}, nil
	}
	return nil, fmt.Errorf("there is no dialect %q", name)
}

var (
	versionKey = []byte(`"version":`)
	stampKey   = []byte(`"/sent":`)
	idKey      = []byte(`"id":"`)
)

// appendSet appends what every edit sets, as a JSON object.
func (e *edit) appendSet(to []byte) []byte {
	to = append(append(to, '{'), stampKey...)
	to = strconv.AppendInt(to, e.stamp, 10)
	to = append(to, `,"/title":"edit `...)
	to = strconv.AppendUint(to, uint64(e.serial), 10)
	if e.fill != "" {
		// It differs each time: setting what is there already is no change.
		to = append(to, `","/fill":"`...)
		to = strconv.AppendUint(to, uint64(e.serial), 10)
		to = append(to, e.fill...)
	}
	return append(to, `"}`...)
}

func stampOf(m []byte) int64 {
	n, _ := measure.NumberAfter(m, stampKey)
	return int64(n)
}

// plain is the dialect of the raw floor and of Node with ws: one JSON object a message.
type plain struct{}

func (plain) path() string        { return "/" }
func (plain) hello(string) string { return "" }
func (plain) welcomes() bool      { return false }
func (plain) pulse() string       { return "" }

func (plain) subscribe(dashboard string) string {
	return `{"type":"subscribe","id":"s","dashboardId":"` + dashboard + `"}`
}

func (plain) appendEdit(to []byte, e *edit) []byte {
	to = append(to, `{"type":"edit","id":"`...)
	to = strconv.AppendUint(to, uint64(e.serial), 10)
	return appendPlainEdit(append(to, `",`...), e)
}

func appendPlainEdit(to []byte, e *edit) []byte {
	to = append(to, `"dashboardId":"`...)
	to = append(to, e.dashboard...)
	to = append(to, `","widgetId":"w`...)
	to = strconv.AppendInt(to, int64(e.widget), 10)
	to = append(to, `","set":`...)
	return append(e.appendSet(to), '}')
}

func (plain) parse(to []event, m []byte, timed bool) []event {
	const start = len(`{"type":"`)
	if len(m) < start+8 {
		return append(to, event{kind: otherKind})
	}
	var ev event
	switch m[start] {
	case 'e': // entry
		ev.kind = deliveryKind
		if timed {
			ev.sent = stampOf(m)
		}
		ev.version, _ = measure.NumberAfter(m, versionKey)
	case 's': // subscribed
		ev.kind = syncedKind
		ev.version, _ = measure.NumberAfter(m, versionKey)
	case 'a': // ack
		ev.kind, ev.serial = ackKind, serialAfter(m, idKey)
	}
	return append(to, ev)
}

// socketIO is Socket.IO 4 over a WebSocket: packets of Engine.IO.
type socketIO struct{}

func (socketIO) path() string        { return "/socket.io/?EIO=4&transport=websocket" }
func (socketIO) hello(string) string { return "40" }
func (socketIO) welcomes() bool      { return true }
func (socketIO) pulse() string       { return "3" }

func (socketIO) subscribe(dashboard string) string {
	return `420["subscribe",{"dashboardId":"` + dashboard + `"}]`
}

func (socketIO) appendEdit(to []byte, e *edit) []byte {
	to = append(to, "42"...)
	to = strconv.AppendUint(to, uint64(e.serial), 10)
	to = append(to, `["edit",{"id":"`...)
	to = strconv.AppendUint(to, uint64(e.serial), 10)
	return append(appendPlainEdit(append(to, `",`...), e), ']')
}

func (socketIO) parse(to []event, m []byte, timed bool) []event {
	var ev event
	switch {
	case len(m) == 1 && m[0] == '2':
		ev.kind = heartbeat
	case bytes.HasPrefix(m, []byte(`42["entry"`)):
		ev.kind = deliveryKind
		if timed {
			ev.sent = stampOf(m)
		}
		ev.version, _ = measure.NumberAfter(m, versionKey)
	case bytes.HasPrefix(m, []byte(`430[`)):
		ev.kind = syncedKind
		ev.version, _ = measure.NumberAfter(m, versionKey)
	case bytes.HasPrefix(m, []byte(`43`)):
		ev.kind, ev.serial = ackKind, serialAfter(m, idKey)
	case bytes.HasPrefix(m, []byte(`40`)):
		ev.kind = welcomeKind
	case bytes.HasPrefix(m, []byte(`44`)):
		ev.kind = refusedKind
	}
	return append(to, ev)
}

// centrifugal is the JSON protocol of Centrifuge: replies and pushes, several to a
// frame, one a line. Commands 1 and 2 connect and subscribe; edits come after.
type centrifugal struct{}

const firstEdit = 10

func (centrifugal) path() string        { return "/" }
func (centrifugal) hello(string) string { return `{"id":1,"connect":{}}` }
func (centrifugal) welcomes() bool      { return false }
func (centrifugal) pulse() string       { return "{}" }

func (centrifugal) subscribe(dashboard string) string {
	return `{"id":2,"subscribe":{"channel":"` + dashboard + `"}}`
}

func (centrifugal) appendEdit(to []byte, e *edit) []byte {
	to = append(to, `{"id":`...)
	to = strconv.AppendUint(to, uint64(e.serial)+firstEdit, 10)
	to = append(to, `,"publish":{"channel":"`...)
	to = append(to, e.dashboard...)
	to = append(to, `","data":{"type":"edit","id":"`...)
	to = strconv.AppendUint(to, uint64(e.serial), 10)
	return append(appendPlainEdit(append(to, `",`...), e), `}}`...)
}

var (
	pushStart   = []byte(`{"push":`)
	replyStart  = []byte(`{"id":`)
	offsetKey   = []byte(`"offset":`)
	errorKey    = []byte(`"error":`)
	publication = []byte(`,"pub":`)
)

func (centrifugal) parse(to []event, m []byte, timed bool) []event {
	for len(m) > 0 {
		line := m
		if i := bytes.IndexByte(m, '\n'); i >= 0 {
			line, m = m[:i], m[i+1:]
		} else {
			m = nil
		}
		var ev event
		switch {
		case len(line) == 2:
			ev.kind = heartbeat
		case bytes.HasPrefix(line, pushStart) && bytes.Contains(line[:min(len(line), 256)], publication):
			ev.kind = deliveryKind
			if timed {
				ev.sent = stampOf(line)
			}
			if i := bytes.LastIndex(line, offsetKey); i >= 0 {
				ev.version, _ = measure.NumberAfter(line[i:], offsetKey)
			}
		case bytes.HasPrefix(line, replyStart):
			id, _ := measure.NumberAfter(line, replyStart)
			switch {
			case bytes.Contains(line, errorKey):
				ev.kind = refusedKind
			case id == 2:
				ev.kind = syncedKind
				ev.version, _ = measure.NumberAfter(line, offsetKey)
			case id >= firstEdit:
				ev.kind, ev.serial = ackKind, uint32(id-firstEdit)
			}
		}
		to = append(to, ev)
	}
	return to
}

// dashwire is the protocol of docs/PROTOCOL.md. Its clients take entries together (R10),
// as the TypeScript client does.
type dashwire struct {
	run string
	// Messages of one run are much alike: where a version was found last, behind the id
	// of its entry or behind the entry before it. Looked for there first.
	behindID, behindEntry int
}

func (*dashwire) path() string   { return "/api/realtime" }
func (*dashwire) welcomes() bool { return false }
func (*dashwire) pulse() string  { return "" } // a ping of WebSocket, which conn answers

func (d *dashwire) hello(client string) string {
	return `{"type":"CONNECT","id":"hello","payload":{"clientId":"` + d.run + "-" + client + `","entries":"together"}}`
}

func (*dashwire) subscribe(dashboard string) string {
	return `{"type":"SYNC_REQUEST","id":"sync","payload":{"dashboardId":"` + dashboard + `"}}`
}

func (d *dashwire) appendEdit(to []byte, e *edit) []byte {
	to = append(to, `{"type":"WIDGET_UPDATE","id":"`...)
	to = append(to, d.run...)
	to = append(to, '-')
	to = strconv.AppendInt(to, int64(e.client), 10)
	to = append(to, '-')
	to = strconv.AppendUint(to, uint64(e.serial), 10)
	to = append(to, `","payload":{"dashboardId":"`...)
	to = append(to, e.dashboard...)
	to = append(to, `","widgetId":"w`...)
	to = strconv.AppendInt(to, int64(e.widget), 10)
	to = append(to, `","policy":"overwrite","set":`...)
	return append(e.appendSet(to), `}}`...)
}

var (
	answersKey = []byte(`"correlationId":"`)
	nextEntry  = []byte(`{"version":`)
)

func (d *dashwire) parse(to []event, m []byte, timed bool) []event {
	const start = len(`{"type":"`)
	if len(m) < start+8 {
		return append(to, event{kind: otherKind})
	}
	var ev event
	switch rest := m[start:]; {
	case rest[0] == 'W': // WIDGET_UPDATE
		ev.kind = deliveryKind
		if timed {
			ev.sent = stampOf(m)
		}
		const id = len(`{"type":"WIDGET_UPDATE","id":"`)
		if at := bytes.IndexByte(m[min(id, len(m)):], '"'); at >= 0 {
			ev.version, d.behindID = numberNear(m[id+at:], versionKey, d.behindID)
		}
	case bytes.HasPrefix(rest, []byte(`SYNC_E`)):
		return d.entries(to, m, timed)
	case rest[0] == 'A': // ACK
		ev.kind, ev.serial = ackKind, serialAfter(m, answersKey)
	case bytes.HasPrefix(rest, []byte(`SYNC_U`)):
		ev.kind = jumpKind
		ev.version, _ = measure.NumberAfter(m, versionKey)
	case bytes.HasPrefix(rest, []byte(`SYNC_R`)):
		ev.kind = syncedKind
		ev.version, _ = measure.NumberAfter(m, versionKey)
	case rest[0] == 'N' || bytes.HasPrefix(rest, []byte(`CONFLICT_D`)):
		ev.kind = refusedKind
	}
	return append(to, ev)
}

// entries appends the entries of a SYNC_ENTRIES, each of which begins with its version.
func (d *dashwire) entries(to []event, m []byte, timed bool) []event {
	at := bytes.Index(m, nextEntry)
	for at >= 0 {
		m = m[at:]
		ev := event{kind: deliveryKind}
		ev.version, _ = numberAt(m, nextEntry)
		end := len(m)
		if at = near(m[1:], nextEntry, d.behindEntry); at >= 0 {
			d.behindEntry = at
			at++
			end = at
		}
		if timed {
			ev.sent = stampOf(m[:end])
		}
		to = append(to, ev)
	}
	return to
}

// near is the first place of a key in m, looked for around a place first: behind that
// nothing of a message of the same shape is in doubt.
func near(m, key []byte, place int) int {
	for at := max(place-nearby, 0); at <= min(place+nearby, len(m)-len(key)); at++ {
		if m[at] == key[0] && bytes.Equal(m[at:at+len(key)], key) {
			return at
		}
	}
	return bytes.Index(m, key)
}

// nearby is by how much the lengths of ids and numbers differ from one entry to the next.
const nearby = 4

// numberNear reads the digits that stand behind a key, looked for at a place first.
func numberNear(m, key []byte, place int) (n uint64, at int) {
	if at = near(m, key, place); at < 0 {
		return 0, place
	}
	n, _ = numberAt(m[at:], key)
	return n, at
}

// numberAt reads the digits behind a key at the beginning of m.
func numberAt(m, key []byte) (n uint64, ok bool) {
	for _, c := range m[len(key):] {
		if c < '0' || c > '9' {
			break
		}
		n, ok = n*10+uint64(c-'0'), true
	}
	return n, ok
}

// serialAfter reads the number at the end of the quoted id that stands after a key.
func serialAfter(m, key []byte) uint32 {
	_, rest, _ := bytes.Cut(m, key)
	id, _, _ := bytes.Cut(rest, []byte{'"'})
	text := string(id)
	n, _ := strconv.ParseUint(text[strings.LastIndexByte(text, '-')+1:], 10, 32)
	return uint32(n)
}
