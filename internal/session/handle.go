package session

import (
	"fmt"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// maxBadMessages in a row end a session (E4).
const maxBadMessages = 20

// Handle works on one message. It is called one at a time, in the order in which
// messages came, and returns when the next may be taken: it waits while the session
// is over its rate (C8) or has too much due to it. data is not kept.
func (s *Session) Handle(data []byte) {
	free, ok := s.begin()
	if !ok {
		return
	}
	defer s.handled()
	now, ok := s.takeIn(len(data), free)
	if !ok {
		return
	}
	if len(data) > largeMessage {
		if s.server.shortOfMemory() {
			s.refuse(wire.PeekID(data), board.Errorf(board.CodeUnavailable,
				"this server is short of memory for a message of this size; send it again later").Over(observe.LimitMemory))
			return
		}
		if !s.server.incoming.begin(len(data)) {
			s.refuse(wire.PeekID(data), board.Errorf(board.CodeUnavailable,
				"too many messages of this size are being worked on; send it again later").Over(observe.LimitIncomingBytes))
			return
		}
		s.large = int32(len(data))
		defer s.largeDone()
	}
	m, bad := wire.Decode(data, s.server.cfg.Limits)
	if f := s.server.cfg.Hooks.Message; f != nil {
		s.mu.Lock()
		who := s.observedLocked()
		s.mu.Unlock()
		f(who, m.Type, len(data))
	}
	s.server.stats.messages.Add(1)
	if bad != nil {
		s.bad(m.ID, bad)
		return
	}
	s.badMessages = 0
	s.dispatch(m, now)
}

// largeMessage is how long a message may be that is taken in even while memory is short, or
// many are being worked on, in bytes (C8).
const largeMessage = 64 << 10

// begin begins the handling of a message, and tells whether it need not wait for answers to be taken. It reports
// false if none is taken in any more: once the session drains, what comes waits for its end (C7).
func (s *Session) begin() (free, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.draining && !s.ended {
		s.awaitLocked()
	}
	s.handling.Store(!s.ended)
	return !s.fullLocked(), !s.ended
}

// takeIn waits until a message of n bytes may be taken in, and tells when that was. It reports false if
// the session has ended.
func (s *Session) takeIn(n int, free bool) (now time.Time, ok bool) {
	now = s.server.cfg.Clock.Now()
	s.Alive(now)
	at := s.server.moment(now)
	delay := s.limit.takes(&s.server.cfg, at, n)
	if delay <= 0 && free {
		return now, true
	}
	if delay > 0 && !s.limit.wait(s, at, delay) || !s.awaitRoom() {
		return now, false
	}
	return s.server.cfg.Clock.Now(), true
}

// handled ends the handling of a message.
func (s *Session) handled() {
	if s.arriving {
		s.server.incoming.taken(s, s.server.cfg.Clock.Now())
	}
	s.handling.Store(false)
	s.mu.Lock()
	if s.draining {
		s.changedLocked()
	}
	s.mu.Unlock()
}

// UnsignedBytes is how long a message may be before somebody has signed in (D5).
const UnsignedBytes = 16 << 10

// Oversized answers a message of size bytes that was too long to be taken in (E5); id is
// what could be read of it. It is called and waits like Handle: such a message counts
// towards the rates, and its answer towards those that are due.
func (s *Session) Oversized(id string, size int) {
	free, ok := s.begin()
	if !ok {
		return
	}
	defer s.handled()
	if _, ok := s.takeIn(size, free); !ok {
		return
	}
	limit := s.server.cfg.Limits.MessageBytes
	if _, signedIn := s.Principal(); !signedIn && limit > UnsignedBytes {
		s.refuse(id, board.Errorf(board.CodeTooLarge, "a message has at most %d bytes before sign-in: sign in first",
			UnsignedBytes).Over(observe.LimitUnsignedMessageBytes))
		return
	}
	s.refuse(id, board.Errorf(board.CodeTooLarge, "a message has at most %d bytes (limits.messageBytes)", limit).Over(board.LimitMessageBytes))
}

// bad answers what could not be read. Only what is no message at all counts towards
// the end of the session (E4).
func (s *Session) bad(id string, err *board.Error) {
	s.refuse(id, err)
	if err.Code != board.CodeBadMessage && err.Code != board.CodeUnknownType {
		s.badMessages = 0
		return
	}
	if s.badMessages++; s.badMessages >= maxBadMessages {
		s.Limited(observe.LimitBadMessages)
		s.End(wire.CloseBadMessages, fmt.Sprintf("%d messages in a row could not be read", maxBadMessages), false)
	}
}

// awaitRoom waits until another message may be taken in. It reports false if the
// session has ended.
func (s *Session) awaitRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fullLocked() {
		s.pausingLocked()
		for s.fullLocked() {
			s.awaitLocked()
		}
		s.resumingLocked()
	}
	return !s.ended
}

func (s *Session) fullLocked() bool {
	return !s.ended && (int(s.waiting)+len(s.answers) >= maxAnswers || s.backlog >= maxBacklog)
}

// pausingLocked tells the transport that the handling of a message is about to wait. The
// lock is released meanwhile, and what is waited for may have come.
func (s *Session) pausingLocked() {
	if h, ok := s.transport.(Host); ok {
		s.mu.Unlock()
		h.Pausing()
		s.mu.Lock()
	}
}

// resumingLocked tells it that the handling goes on, and waits until it may. The lock is
// released meanwhile.
func (s *Session) resumingLocked() {
	if h, ok := s.transport.(Host); ok {
		s.mu.Unlock()
		h.Resuming()
		s.mu.Lock()
	}
}

// dispatch works on a message that came at this moment.
func (s *Session) dispatch(m wire.Message, now time.Time) {
	switch m.Type {
	case wire.TypePing:
		s.push(wire.AppendPong(nil, m.ID, now))
		return
	case wire.TypePong:
		return // any bytes are a sign of life
	case wire.TypeDisconnect:
		s.mu.Lock()
		s.leaving = true
		s.mu.Unlock()
		s.End(wire.CloseNormal, "as you asked", false)
		return
	case wire.TypeConnect:
		s.connect(m.ID, m.Connect)
		return
	}
	if m.Op != nil {
		s.operate(m, now)
		return
	}
	p, err := s.requireSignedIn(now)
	if err != nil {
		s.refuse(m.ID, err)
		return
	}
	switch {
	case m.Sync != nil:
		s.sync(m.ID, m.Sync, p)
	case m.Presence != nil:
		if err := s.presence(s.asking(), m.Presence, p); err != nil {
			s.refuse(m.ID, err)
		}
	case m.Data != nil:
		if err := s.server.Feed(s.asking(), p, m.Data); err != nil {
			s.refuse(m.ID, err)
		}
	}
}

// operate hands an op, which came at this moment, to its room. Its answer comes through answered.
func (s *Session) operate(m wire.Message, now time.Time) {
	p, own, err := s.author(now)
	if err != nil {
		s.refuse(m.ID, err)
		return
	}
	op := m.Op
	op.Author = board.Author{UserID: p.UserID, ClientID: m.OpClient}
	if op.Author.ClientID == "" {
		op.Author.ClientID = own
	}
	authorized, err := auth.Authorize(s.asking(), s.server.cfg.Authorizer, p, op)
	if err != nil {
		s.refuse(m.ID, err)
		return
	}
	if s.server.watcher != nil {
		now = s.server.cfg.Clock.Now() // it may have had to wait
	}
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.waiting++
	s.mu.Unlock()
	if s.onAnswer == nil {
		s.onAnswer = s.answered // made once: it costs an allocation
	}
	onAnswer := s.onAnswer
	if n := int(s.large); n > 0 { // its bytes count until it is answered
		s.large = 0
		onAnswer = func(a room.Answer) {
			s.server.incoming.done(n)
			s.answered(a)
		}
	}
	s.server.cfg.Hub.SubmitAt(s.server.ctx, now, authorized, onAnswer)
}

// largeDone ends a long message that was no op, or was refused.
func (s *Session) largeDone() {
	if s.large > 0 {
		s.server.incoming.done(int(s.large))
		s.large = 0
	}
}

// answered queues the terminal answer to an op (E3). The room may be locked.
func (s *Session) answered(a room.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	if a.Refusal != nil {
		s.refuseLocked(a.Op.ID, a.Refusal)
	} else {
		s.dueLocked(answer{correlationID: a.Op.ID, room: a})
	}
	if s.draining || s.ended {
		s.changedLocked()
	}
	s.soonLocked()
}
