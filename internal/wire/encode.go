package wire

import (
	"strconv"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// The Append functions encode what the server sends: one message each, appended to
// dst without its frame. They write type first, then correlationId (E2) and
// timestamp, and the payload last. A message that the server makes has no id of its
// own, except PING, which is answered; entries, which board encodes, have the id of
// their op.

// appendQuoted appends s as a JSON string. Text that is not UTF-8 comes out with
// U+FFFD in the place of what is wrong.
func appendQuoted(dst []byte, s string) []byte {
	if !plain(s) {
		dst, _ = jsontext.AppendQuote(dst, s)
		return dst
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// plain reports whether s is ASCII that needs no escapes. It looks at eight bytes at a time.
func plain(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		quote, slash := w^ones*'"', w^ones*'\\'
		if (w|(w+ones)|(w-ones*' ')|(quote-ones)|(slash-ones))&tops != 0 {
			return false
		}
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// open begins a message up to the inside of its payload; shut ends it.
func open(dst []byte, messageType, correlationID string, now time.Time) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, messageType...)
	dst = append(dst, '"')
	if correlationID != "" {
		dst = append(dst, `,"correlationId":`...)
		dst = appendQuoted(dst, correlationID)
	}
	dst = append(dst, `,"timestamp":`...)
	dst = board.AppendTime(dst, now)
	return append(dst, `,"payload":{`...)
}

func shut(dst []byte) []byte { return append(dst, "}}"...) }

// member begins a member. Keys are literals that need no escapes.
func member(dst []byte, key string) []byte {
	if c := dst[len(dst)-1]; c != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, key...)
	return append(dst, `":`...)
}

func stringMember(dst []byte, key, s string) []byte {
	return appendQuoted(member(dst, key), s)
}

// nullable writes "" as null.
func nullable(dst []byte, key, s string) []byte {
	if s == "" {
		return append(member(dst, key), "null"...)
	}
	return stringMember(dst, key, s)
}

func uintMember(dst []byte, key string, n uint64) []byte {
	return strconv.AppendUint(member(dst, key), n, 10)
}

func intMember(dst []byte, key string, n int) []byte {
	return strconv.AppendInt(member(dst, key), int64(n), 10)
}

func millisMember(dst []byte, key string, d time.Duration) []byte {
	return strconv.AppendInt(member(dst, key), d.Milliseconds(), 10)
}

func boolMember(dst []byte, key string, b bool) []byte {
	return strconv.AppendBool(member(dst, key), b)
}

func valueMember(dst []byte, key string, v board.Value) []byte {
	return append(member(dst, key), v...)
}

// AppendWelcome appends the server's CONNECT: the first message of all with an
// empty correlationID, then the answer to each CONNECT of the client.
func AppendWelcome(dst []byte, w Welcome, correlationID string) []byte {
	dst = open(dst, TypeConnect, correlationID, w.ServerTime)
	dst = stringMember(dst, "sessionId", w.SessionID)
	dst = nullable(dst, "clientId", w.ClientID)
	dst = nullable(dst, "userId", w.UserID)
	dst = intMember(dst, "protocol", Protocol)
	dst = board.AppendTime(member(dst, "serverTime"), w.ServerTime)
	dst = append(member(dst, "heartbeat"), '{')
	dst = AppendHeartbeat(dst, w.HeartbeatEvery, w.HeartbeatTimeout)
	dst = append(member(append(dst, '}'), "reconnect"), '{')
	dst = millisMember(dst, "minMs", w.ReconnectMin)
	dst = millisMember(dst, "maxMs", w.ReconnectMax)
	dst = append(member(append(dst, '}'), "limits"), '{')
	dst = AppendLimits(dst, w.Limits)
	dst = append(dst, '}')
	dst = boolMember(dst, "authRequired", w.AuthRequired)
	return shut(dst)
}

// AppendHeartbeat appends the members of a heartbeat object, without its braces.
func AppendHeartbeat(dst []byte, every, timeout time.Duration) []byte {
	dst = millisMember(dst, "intervalMs", every)
	return millisMember(dst, "timeoutMs", timeout)
}

// AppendLimits appends the members of a limits object (D5), without its braces.
func AppendLimits(dst []byte, l Limits) []byte {
	dst = intMember(dst, "messageBytes", l.MessageBytes)
	dst = intMember(dst, "documentBytes", l.DocumentBytes)
	dst = intMember(dst, "widgets", l.Widgets)
	dst = intMember(dst, "operations", l.Operations)
	dst = intMember(dst, "dashboards", l.Dashboards)
	return intMember(dst, "paths", l.Paths)
}

// AppendGoodbye appends the server's DISCONNECT.
func AppendGoodbye(dst []byte, g Goodbye, now time.Time) []byte {
	dst = open(dst, TypeDisconnect, "", now)
	dst = intMember(dst, "code", g.Code)
	dst = stringMember(dst, "reason", g.Reason)
	dst = member(dst, "reconnect")
	if !g.Reconnect {
		return shut(append(dst, "null"...))
	}
	dst = append(dst, `{"afterMs":[`...)
	dst = strconv.AppendInt(dst, g.AfterMin.Milliseconds(), 10)
	dst = append(dst, ',')
	dst = strconv.AppendInt(dst, g.AfterMax.Milliseconds(), 10)
	return shut(append(dst, "]}"...))
}

// AppendPing appends a PING of the server (C4).
func AppendPing(dst []byte, id string, now time.Time) []byte {
	dst = append(dst, `{"type":"PING","id":`...)
	dst = appendQuoted(dst, id)
	dst = append(dst, `,"timestamp":`...)
	dst = board.AppendTime(dst, now)
	return append(dst, `,"payload":{}}`...)
}

// AppendPong appends the answer to a client's PING (C5).
func AppendPong(dst []byte, correlationID string, now time.Time) []byte {
	dst = open(dst, TypePong, correlationID, now)
	return shut(board.AppendTime(member(dst, "serverTime"), now))
}

// AppendAck appends an ACK (E3).
func AppendAck(dst []byte, correlationID string, a Ack, now time.Time) []byte {
	dst = open(dst, TypeAck, correlationID, now)
	dst = appendQuoted(append(dst, `"dashboardId":`...), a.DashboardID)
	dst = appendQuoted(append(dst, `,"epoch":`...), a.Epoch)
	dst = strconv.AppendUint(append(dst, `,"version":`...), a.Of.Version, 10)
	dst = strconv.AppendBool(append(dst, `,"inStream":`...), a.InStream)
	dst = appendQuoted(append(dst, `,"status":`...), string(a.Of.Status))
	dst = appendQuoted(append(dst, `,"durability":`...), a.Durability)
	if a.Of.Change != nil {
		dst = board.AppendChange(member(dst, "change"), a.Of.Change)
	}
	if len(a.Of.Overwrote) > 0 {
		dst = board.AppendOverwrote(member(dst, "overwrote"), a.Of.Overwrote)
	}
	if r := a.Of.Report; r != nil {
		dst = stringsMember(dst, "skipped", r.Skipped)
		dst = stringsMember(dst, "ignored", r.Ignored)
		if len(r.Results) > 0 {
			dst = board.AppendResults(member(dst, "results"), r.Results)
		}
	}
	return shut(dst)
}

// stringsMember writes a list of strings, nothing if it is empty.
func stringsMember(dst []byte, key string, list []string) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(member(dst, key), '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, s)
	}
	return append(dst, ']')
}

// AppendNack appends a NACK. RetryAfter is told only if it is not 0; the cause of
// err never leaves the server.
func AppendNack(dst []byte, correlationID string, err *board.Error, retryAfter time.Duration, now time.Time) []byte {
	dst = open(dst, TypeNack, correlationID, now)
	dst = stringMember(dst, "code", string(err.Code))
	dst = stringMember(dst, "message", err.Message)
	dst = boolMember(dst, "retryable", Retryable(err.Code))
	if retryAfter > 0 {
		dst = millisMember(dst, "retryAfterMs", max(retryAfter, time.Millisecond))
	}
	if err.Path != "" {
		dst = stringMember(dst, "path", err.Path)
	}
	if err.Current != "" {
		dst = valueMember(dst, "current", err.Current)
	}
	if len(err.Results) > 0 {
		dst = board.AppendResults(member(dst, "results"), err.Results)
	}
	return shut(dst)
}

// AppendConflict appends a CONFLICT_DETECTED (M6, M10).
func AppendConflict(dst []byte, correlationID string, c *board.Conflict, now time.Time) []byte {
	dst = open(dst, TypeConflict, correlationID, now)
	// board writes the whole object; its brace takes the place of the one just opened.
	dst = board.AppendConflict(dst[:len(dst)-1], c)
	return append(dst, '}')
}

// AppendData appends live values of one dashboard (WIDGET_DATA), each widget once.
// The server always sends the form with values.
func AppendData(dst []byte, dashboardID string, values []DataValue, now time.Time) []byte {
	dst = open(dst, TypeData, "", now)
	dst = stringMember(dst, "dashboardId", dashboardID)
	dst = appendValues(member(dst, "values"), values)
	return shut(dst)
}

// appendValues appends the object from widget id to {data, mode, window?}.
func appendValues(dst []byte, values []DataValue) []byte {
	dst = append(dst, '{')
	for i := range values {
		dst = appendValueText(member(dst, values[i].WidgetID), &values[i])
	}
	return append(dst, '}')
}

func appendValueText(dst []byte, v *DataValue) []byte {
	dst = append(dst, '{')
	dst = valueMember(dst, "data", v.Data)
	mode := "replace"
	if v.Append {
		mode = "append"
	}
	dst = stringMember(dst, "mode", mode)
	if v.Window > 0 {
		dst = intMember(dst, "window", v.Window)
	}
	return append(dst, '}')
}

// AppendPresence appends a PRESENCE with what has changed (W3).
func AppendPresence(dst []byte, p PresenceUpdate, now time.Time) []byte {
	dst = open(dst, TypePresence, "", now)
	dst = stringMember(dst, "dashboardId", p.DashboardID)
	dst = appendStates(member(dst, "joined"), p.Joined)
	dst = appendStates(member(dst, "changed"), p.Changed)
	dst = append(member(dst, "left"), '[')
	for i, id := range p.Left {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, id)
	}
	dst = append(dst, ']')
	dst = intMember(dst, "count", p.Count)
	return shut(dst)
}

func appendStates(dst []byte, states []PresenceState) []byte {
	dst = append(dst, '[')
	for i := range states {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendState(dst, &states[i])
	}
	return append(dst, ']')
}

func appendState(dst []byte, s *PresenceState) []byte {
	dst = append(dst, '{')
	dst = stringMember(dst, "sessionId", s.SessionID)
	dst = stringMember(dst, "clientId", s.ClientID)
	dst = stringMember(dst, "userId", s.UserID)
	dst = valueMember(dst, "state", s.State)
	return append(dst, '}')
}

// AppendApp appends an APP_MESSAGE (W4).
func AppendApp(dst []byte, name string, data board.Value, now time.Time) []byte {
	dst = open(dst, TypeApp, "", now)
	dst = stringMember(dst, "name", name)
	if data == "" {
		data = "null"
	}
	return shut(valueMember(dst, "data", data))
}
