package relay

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/dashwire/dashwire/board"
)

// Errors of Publish. Nothing was sent, and nothing will be.
var (
	// ErrAway: the other nodes cannot be reached at the moment, or not fast enough.
	ErrAway = errors.New("the other nodes cannot be reached at the moment")
	// ErrTooLarge: the payload is above MaxPayload.
	ErrTooLarge = errors.New("the message is too large for the relay")
	// ErrClosed: the relay was closed.
	ErrClosed = errors.New("the relay is closed")
)

// Topic is what a message is about; a node gets those of the topics that it has
// subscribed to.
type Topic struct {
	// Kind is 1 to 16 lower-case letters.
	Kind string
	// ID narrows it down: a dashboard, a node. It follows D2, or is empty, which is a
	// topic of its own and not all of them.
	ID string
}

var kind = regexp.MustCompile(`^[a-z]{1,16}$`)

// Check tells what is wrong with a topic.
func (t Topic) Check() error {
	if !kind.MatchString(t.Kind) {
		return fmt.Errorf("relay: the kind of topic %q is not 1 to 16 lower-case letters", t.Kind)
	}
	if t.ID == "" {
		return nil
	}
	if err := board.CheckID("topic", t.ID); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	return nil
}

// Message is what a subscription hears.
type Message struct {
	// From is the node that has sent it, never the own one. It is what that node says.
	From string
	// Payload belongs to whoever hears it.
	Payload []byte
	// Missed stands alone: messages may have been lost before this moment, because the
	// connection was away or this node did not keep up.
	Missed bool
}

// Relay is a node's place in a cluster. Its methods may be called by any number of
// goroutines at once; none of them waits for the network.
type Relay interface {
	// Node is the id of this node: no other has it, and no other start of this one. It
	// follows D2.
	Node() string
	// MaxPayload is how long a message may be, in bytes: 256 KiB at least.
	MaxPayload() int
	// Publish sends to the other nodes that have subscribed to t. An error is ErrAway,
	// ErrTooLarge, ErrClosed or a bad topic; nil does not mean that it arrives. The relay
	// keeps payload: it must not be changed any more.
	Publish(t Topic, payload []byte) error
	// Subscribe has deliver hear the messages of t. It is called one message at a time,
	// whatever the topic, so it must not take long, and must not wait for anything that
	// itself waits for messages. stop may be called anywhere, also more than once; a
	// message that is on its way may still be delivered after it.
	Subscribe(t Topic, deliver func(Message)) (stop func(), err error)
}
