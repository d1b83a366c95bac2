package httpapi

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/wire"
)

// place is where a stream stands on one dashboard.
type place struct {
	dashboardID string
	wire.Since
}

// cursor is where a stream stands: what its client has of each dashboard. The order
// is that in which the dashboards were first heard of.
type cursor []place

func (c *cursor) set(dashboardID string, at wire.Since) {
	for i := range *c {
		if (*c)[i].dashboardID == dashboardID {
			(*c)[i].Since = at
			return
		}
	}
	*c = append(*c, place{strings.Clone(dashboardID), at})
}

func (c *cursor) drop(dashboardID string) {
	for i := range *c {
		if (*c)[i].dashboardID == dashboardID {
			*c = append((*c)[:i], (*c)[i+1:]...)
			return
		}
	}
}

func (c cursor) find(dashboardID string) *wire.Since {
	for i := range c {
		if c[i].dashboardID == dashboardID {
			return &c[i].Since
		}
	}
	return nil
}

// append appends the opaque id of an event (H2): base64 of lines "id epoch version".
func (c cursor) append(dst []byte) []byte {
	var text [512]byte
	plain := text[:0]
	for i := range c {
		plain = append(append(plain, c[i].dashboardID...), ' ')
		plain = append(append(plain, c[i].Epoch...), ' ')
		plain = append(strconv.AppendUint(plain, c[i].Version, 10), '\n')
	}
	return base64.RawURLEncoding.AppendEncode(dst, plain)
}

// maxCursor bounds an event id from outside, in bytes.
const maxCursor = 64 << 10

// parseCursor reads what append wrote, or an object from dashboard to {epoch, version}
// as POST takes it, for clients that come from a WebSocket.
func parseCursor(s string) (cursor, *problem) {
	bad := problemf(board.CodeBadVersion, "this is no id of an event of this server: leave it out to begin anew").at("since")
	if len(s) > maxCursor {
		return nil, bad
	}
	if strings.HasPrefix(s, "{") {
		return parseSince(s)
	}
	plain, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, bad
	}
	var c cursor
	for line := range strings.Lines(string(plain)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(fields) != 3 || board.CheckID("dashboard", fields[0]) != nil || len(fields[1]) > board.MaxID {
			return nil, bad
		}
		version, ok := parseVersion(fields[2])
		if !ok {
			return nil, bad
		}
		c.set(fields[0], wire.Since{Epoch: fields[1], Version: version})
	}
	return c, nil
}

func parseSince(s string) (cursor, *problem) {
	var body map[string]*sinceBody
	if jsontext.Deeper([]byte(s), 2) {
		return nil, problemf(board.CodeBadVersion, "since nests too deep").at("since")
	}
	if err := jsontext.Decode([]byte(s), &body); err != nil {
		return nil, badBody(err).at("since")
	}
	var c cursor
	for id, b := range body {
		since, p := b.since(id)
		if p != nil {
			return nil, p
		}
		if since != nil {
			c.set(id, *since)
		}
	}
	return c, nil
}

// follow moves the cursor past a message of the server and reports whether it moved.
// Entries, the last part of a SYNC_RESPONSE and a SYNC_UPDATE stand for versions; they
// name dashboard, epoch and version at the front of their payload.
func (c *cursor) follow(message []byte) bool {
	i := bytes.Index(message, []byte(payloadKey+"{"))
	if i < 0 {
		return false
	}
	var f front
	f.read(message[i+len(payloadKey)+1:])
	switch {
	case f.dashboardID == nil:
		return false
	case f.closed:
		c.drop(string(f.dashboardID))
		return true
	case f.epoch == nil || f.version == nil || !bytes.Equal(f.part, f.parts):
		return false
	}
	version, ok := parseVersion(string(f.version))
	if !ok {
		return false
	}
	c.set(string(f.dashboardID), wire.Since{Epoch: string(f.epoch), Version: version})
	return true
}

// front is the beginning of a payload, up to its first object or array.
type front struct {
	dashboardID, epoch, version, part, parts []byte
	closed                                   bool
}

// read walks members as the server writes them: without spaces, and with strings that
// need no escapes in the members that count.
func (f *front) read(b []byte) {
	for len(b) > 0 && b[0] == '"' {
		end := bytes.IndexByte(b[1:], '"') + 1
		if end < 1 || end+2 >= len(b) || b[end+1] != ':' {
			return
		}
		key := b[1:end]
		b = b[end+2:]
		var value []byte
		if b[0] == '"' {
			end := 1
			for end < len(b) && b[end] != '"' {
				if b[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(b) {
				return
			}
			value, b = b[1:end], b[end+1:]
		} else {
			end := bytes.IndexAny(b, ",{}[]")
			if end < 1 {
				return
			}
			value, b = b[:end], b[end:]
		}
		switch string(key) {
		case "dashboardId":
			f.dashboardID = value
		case "epoch":
			f.epoch = value
		case "version":
			f.version = value
		case "part":
			f.part = value
		case "parts":
			f.parts = value
		case "closed":
			f.closed = true
		}
		if len(b) == 0 || b[0] != ',' {
			return
		}
		b = b[1:]
	}
}
