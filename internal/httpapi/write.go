package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
)

// payload builds the payload of an envelope, or the content of an op that has none.
type payload struct{ text []byte }

func newPayload(dashboardID string) *payload {
	return (&payload{text: []byte{'{'}}).str("dashboardId", dashboardID)
}

func (p *payload) member(key string) {
	if len(p.text) > 1 {
		p.text = append(p.text, ',')
	}
	p.text = append(appendQuoted(p.text, key), ':')
}

// str adds a string.
func (p *payload) str(key, s string) *payload {
	p.member(key)
	p.text = appendQuoted(p.text, s)
	return p
}

// value adds a value; an absent one is left out.
func (p *payload) value(key string, v board.Value) *payload {
	if v != "" {
		p.member(key)
		p.text = append(p.text, v...)
	}
	return p
}

func (p *payload) uint(key string, n uint64) *payload {
	p.member(key)
	p.text = strconv.AppendUint(p.text, n, 10)
	return p
}

// end gives the object in canonical form.
func (p *payload) end() (board.Value, *board.Error) {
	return canonicalBody(append(p.text, '}'))
}

// condition is what the headers say about the version that a write was made on.
type condition struct {
	base   *uint64
	epoch  *string
	policy string
	// ifMatch is a strict condition (H3): the base must be the newest version.
	ifMatch bool
}

// condition reads Dashwire-Base, Dashwire-Policy and If-Match.
func (q *request) condition(dashboardID string) (c condition, p *problem) {
	h := q.r.Header
	if s := h.Get(baseHeader); s != "" {
		epoch, version, ok := parseTag(s)
		if !ok {
			return c, problemf(board.CodeBadVersion, "%s is a version, or an ETag as it came: send one", baseHeader)
		}
		c.base, c.epoch = &version, epoch
	}
	c.policy = h.Get(policyHeader)
	tags := strings.Join(h.Values("If-Match"), ",")
	if tags == "" {
		return c, nil
	}
	state, _, p := q.visible(dashboardID, auth.Viewer)
	if p != nil {
		return c, p
	}
	c.ifMatch = true
	epoch, version := state.Head()
	c.epoch, c.base = &epoch, &version
	if strings.TrimSpace(tags) == "*" {
		if version == 0 {
			return c, moved("there is no such dashboard yet")
		}
		return c, nil
	}
	// Of several, the one that is the newest version counts, else any: it is refused,
	// or it was committed before and gets its answer again (M8).
	known := false
	for tag := range strings.SplitSeq(tags, ",") {
		e, v, ok := parseTag(strings.TrimSpace(tag))
		if !ok || e == nil {
			continue
		}
		if !known || *e == epoch && v == version {
			c.epoch, c.base, known = e, &v, true
		}
		if *e == epoch && v == version {
			break
		}
	}
	if !known {
		return c, moved("If-Match names no version of this dashboard: send the ETag as it came")
	}
	return c, nil
}

// moved is the answer to an If-Match that does not hold.
func moved(detail string) *problem {
	return problemf(board.CodeConflict, "%s", detail).with(http.StatusPreconditionFailed)
}

// etag is the strong validator of a version (H3).
func etag(epoch string, version uint64) string {
	return `"` + epoch + ":" + strconv.FormatUint(version, 10) + `"`
}

// parseTag reads a version: 42, or "k3J9:42" with or without the quotes of an ETag.
func parseTag(s string) (epoch *string, version uint64, ok bool) {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		e := s[:i]
		if len(e) > board.MaxID || strings.ContainsAny(e, `"\`) {
			return nil, 0, false
		}
		epoch, s = &e, s[i+1:]
	}
	version, ok = parseVersion(s)
	return epoch, version, ok
}

// opID is the op's id: Idempotency-Key, or one of the server's making (M8).
func (q *request) opID() (string, *problem) {
	id := q.r.Header.Get(keyHeader)
	if id == "" {
		return q.api.cfg.NewID(), nil
	}
	if err := board.CheckID("op", id); err != nil {
		return "", refused(err.At(keyHeader))
	}
	return id, nil
}

// clientID is the client that the request names as its own, "" = nobody in particular.
func (q *request) clientID() (string, *problem) {
	id := q.r.Header.Get(clientHeader)
	if id == "" {
		return "", nil
	}
	if err := board.CheckID("client", id); err != nil {
		return "", refused(err.At(clientHeader))
	}
	return id, nil
}

// operate builds the envelope of an op, decodes it like any message, and carries it
// out. The payload is without what the headers say.
func (q *request) operate(t board.Type, dashboardID string, content *payload, change func(*board.Op)) *problem {
	c, p := q.condition(dashboardID)
	if p != nil {
		return p
	}
	if c.base != nil {
		content.uint("baseVersion", *c.base)
	}
	if c.epoch != nil {
		content.str("epoch", *c.epoch)
	}
	if c.policy != "" {
		content.str("policy", c.policy)
	}
	id, p := q.opID()
	if p != nil {
		return p
	}
	envelope := newEnvelope(string(t), id, content)
	m, err := wire.Decode(envelope, q.api.cfg.Limits)
	if err != nil {
		return refused(err.At(bodyPath(err.Path)))
	}
	m.Op.IfMatch = c.ifMatch
	if change != nil {
		change(m.Op)
	}
	return q.commit(m.Op, http.StatusOK, nil)
}

// newEnvelope is a message with a payload.
func newEnvelope(messageType, id string, content *payload) []byte {
	var b bytes.Buffer
	b.WriteString(`{"type":"` + messageType + `","id":"` + id + `","payload":`)
	b.Write(content.text)
	b.WriteString(`}}`)
	return b.Bytes()
}

// bodyPath turns the path of a fault in an envelope into one in the request's body,
// or into the name of the header or parameter.
func bodyPath(path string) string {
	path = strings.TrimPrefix(path, "payload.")
	switch {
	case strings.HasPrefix(path, "changes/"):
		return strings.TrimPrefix(path, "changes")
	case path == "baseVersion" || path == "epoch":
		return baseHeader
	case path == "policy":
		return policyHeader
	}
	return path
}

// replacement carries out an op that REST alone makes, with the headers' conditions;
// content is what its hash is over.
func (q *request) replacement(op *board.Op, content *payload, status int, body func(room.Answer) []byte) *problem {
	c, p := q.condition(op.DashboardID)
	if p != nil {
		return p
	}
	op.Base, op.Epoch, op.IfMatch = c.base, c.epoch, c.ifMatch
	if op.ID, p = q.opID(); p != nil {
		return p
	}
	text, err := content.end()
	if err != nil {
		return refused(err)
	}
	op.Hash = wire.HashOp(op.Type, text)
	return q.commit(op, status, body)
}

// commit carries an op out and answers with its ACK, or with what body makes of it.
func (q *request) commit(op *board.Op, status int, body func(room.Answer) []byte) *problem {
	client, p := q.clientID()
	if p != nil {
		return p
	}
	op.Author = board.Author{UserID: q.principal.UserID, ClientID: client}
	a := q.submit(op)
	switch {
	case a.Refusal != nil && a.Refusal.Code == board.CodeConflict && op.IfMatch:
		return refused(a.Refusal).with(http.StatusPreconditionFailed)
	case a.Refusal != nil:
		return refused(a.Refusal)
	case a.Conflict != nil:
		return clashed(a.Conflict)
	}
	q.w.Header().Set("ETag", etag(a.Epoch, a.Ack.Version))
	if body == nil {
		body = q.ack
	}
	q.answer(status, body(a))
	return nil
}

// submit hands an op to its room and waits for its answer.
func (q *request) submit(op *board.Op) room.Answer {
	ctx := q.r.Context()
	return q.await(q.begin(ctx, op))
}

// begin puts an op in line; its answer comes through the channel.
func (q *request) begin(ctx context.Context, op *board.Op) <-chan room.Answer {
	answer := make(chan room.Answer, 1)
	authorized, err := auth.Authorize(q.asking(), q.api.cfg.Authorizer, q.principal, op)
	if err != nil {
		answer <- room.Answer{Op: op, Refusal: err}
		return answer
	}
	q.api.cfg.Hub.Submit(ctx, authorized, func(a room.Answer) { answer <- a })
	return answer
}

// await waits for an answer. A client that has gone does not hear it; the op goes on.
func (q *request) await(answer <-chan room.Answer) room.Answer {
	ctx := q.r.Context()
	q.turn.Leave() // what is left to do is to write
	select {
	case a := <-answer:
		return a
	case <-ctx.Done():
		return room.Answer{Refusal: &board.Error{
			Code: board.CodeUnavailable, Message: "the request ended before the answer; send it again with the same " + keyHeader, Cause: ctx.Err(),
		}}
	}
}

// ack is the payload of an op's ACK.
func (q *request) ack(a room.Answer) []byte {
	return payloadOf(wire.AppendAck(nil, "", wire.Ack{
		DashboardID: a.Op.DashboardID, Epoch: a.Epoch, Durability: string(a.Durability), Of: a.Ack,
	}, q.api.cfg.Clock.Now()))
}

const payloadKey = `"payload":`

// payloadOf takes the payload out of a message as the wire package encodes it: the
// last member. No string before it can hold the key, for its quotes would be escaped.
func payloadOf(message []byte) []byte {
	i := bytes.Index(message, []byte(payloadKey))
	return message[i+len(payloadKey) : len(message)-1]
}

// visible gives the state and the role of a dashboard that the user may see. One that
// does not exist is an empty document to those who may edit it, and to others what it
// is when they may not see it (R6).
func (q *request) visible(dashboardID string, want auth.Role) (*board.State, auth.Role, *problem) {
	ctx := q.r.Context()
	role, err := auth.Require(q.asking(), q.api.cfg.Authorizer, q.principal, dashboardID, want)
	if err != nil {
		return nil, role, refused(err)
	}
	state, err := q.api.cfg.Hub.State(ctx, dashboardID)
	if err != nil {
		return nil, role, refused(err)
	}
	if _, version := state.Head(); version == 0 && role < auth.Editor {
		return nil, role, notThere(dashboardID)
	}
	return state, role, nil
}

// existing is visible for what needs a dashboard that is there.
func (q *request) existing(dashboardID string, want auth.Role) (*board.State, *problem) {
	state, _, p := q.visible(dashboardID, want)
	if p != nil {
		return nil, p
	}
	if _, version := state.Head(); version == 0 {
		return nil, notThere(dashboardID)
	}
	return state, nil
}

// notThere is word for word what auth.Require says of a dashboard that may not be seen.
func notThere(dashboardID string) *problem {
	return problemf(board.CodeNotFound, "there is no dashboard %q that you can see", dashboardID)
}
