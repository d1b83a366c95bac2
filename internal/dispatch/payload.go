package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/observe"
	"github.com/dashwire/dashwire/webhook"
)

// event is what goes to a target, with what operators are told of it.
type event struct {
	message
	kind           webhook.EventType
	dashboardID    string
	epoch          string
	after, version uint64
}

// messageID names a message by what it tells: the same again has the same id, also after
// a restart.
func messageID(parts ...any) string {
	sum := sha256.Sum256(fmt.Appendln(nil, parts...))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// envelope frames data as the convention has it.
func envelope(kind webhook.EventType, at time.Time, data []byte) []byte {
	dst := make([]byte, 0, len(data)+128)
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","timestamp":"`...)
	dst = at.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","data":`...)
	dst = append(dst, data...)
	return append(dst, '}')
}

// committed tells of consecutive entries of one epoch, given as E7 has them.
func committed(dashboardID, epoch string, after uint64, envelopes [][]byte, at time.Time) event {
	size := 128
	for _, e := range envelopes {
		size += len(e) + 1
	}
	version := after + uint64(len(envelopes))
	dst := make([]byte, 0, size)
	dst = quoted(append(dst, `{"dashboardId":`...), dashboardID)
	dst = quoted(append(dst, `,"epoch":`...), epoch)
	dst = strconv.AppendUint(append(dst, `,"after":`...), after, 10)
	dst = strconv.AppendUint(append(dst, `,"version":`...), version, 10)
	dst = append(dst, `,"entries":[`...)
	for i, e := range envelopes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, e...)
	}
	dst = append(dst, "]}"...)
	return event{
		message: message{id: messageID(webhook.Committed, dashboardID, epoch, after, version), body: envelope(webhook.Committed, at, dst)},
		kind:    webhook.Committed, dashboardID: dashboardID, epoch: epoch, after: after, version: version,
	}
}

// place is a version of an epoch.
type place struct {
	Epoch   string `json:"epoch"`
	Version uint64 `json:"version"`
}

// gapReason says why a part of a log is not told.
type gapReason string

const (
	trimmed gapReason = "trimmed" // history before Next is no longer kept
	rewound gapReason = "rewound" // the log is not the one that was told: it was restored, or lost
)

// gap tells that the next entry does not follow the last one that was told.
func gap(dashboardID string, why gapReason, last, next *place, at time.Time) event {
	data := struct {
		DashboardID string    `json:"dashboardId"`
		Reason      gapReason `json:"reason"`
		Last        *place    `json:"last"` // the last entry that was told
		Next        *place    `json:"next"` // the first that comes now
	}{dashboardID, why, last, next}
	e := event{kind: webhook.Gap, dashboardID: dashboardID}
	if last != nil {
		e.epoch, e.after = last.Epoch, last.Version
	}
	if next != nil {
		e.epoch, e.version = next.Epoch, next.Version
	}
	text := encoded(data)
	e.message = message{id: messageID(webhook.Gap, string(text)), body: envelope(webhook.Gap, at, text)}
	return e
}

// conflictEvent tells of a clash that went to a person.
func conflictEvent(c *board.Conflict, id string, at time.Time) event {
	return event{
		message: message{id: "msg_" + id, body: envelope(webhook.Conflict, at, board.AppendConflict(nil, c))},
		kind:    webhook.Conflict, dashboardID: c.DashboardID,
	}
}

// sessionEvent tells that a session has opened or ended.
func sessionEvent(kind webhook.EventType, s observe.Session, code int, id string, at time.Time) event {
	data := struct {
		SessionID string `json:"sessionId"`
		UserID    string `json:"userId"`
		ClientID  string `json:"clientId"`
		Transport string `json:"transport"`
		Code      int    `json:"code,omitzero"`
	}{s.ID, s.UserID, s.ClientID, s.Transport, code}
	return event{message: message{id: "msg_" + id, body: envelope(kind, at, encoded(data))}, kind: kind}
}

// encoded is the JSON of one of the shapes above, which all have one.
func encoded(v any) []byte {
	text, err := jsontext.Encode(v)
	if err != nil {
		panic(fmt.Sprintf("dispatch: encoding %T: %v", v, err))
	}
	return text
}

// quoted appends s as a JSON string; what is no UTF-8 in it becomes U+FFFD.
func quoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
