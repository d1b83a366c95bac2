package natsjournal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// stored is a message as a replica has it.
type stored struct {
	subject string
	seq     uint64
	data    []byte
}

// getRequest is what a replica is asked for (the stream API's direct get).
type getRequest struct {
	Seq       uint64   `json:"seq,omitempty"`
	NextBy    string   `json:"next_by_subj,omitempty"`
	LastBy    string   `json:"last_by_subj,omitempty"`
	MultiLast []string `json:"multi_last,omitempty"`
	Batch     int      `json:"batch,omitempty"`
	MaxBytes  int      `json:"max_bytes,omitempty"`

	StartTime *time.Time `json:"start_time,omitempty"`
}

var (
	// errAbsent: the replica that answered has no such message.
	errAbsent = errors.New("there is no such message")
	// errBehind: the replica that answered has not got as far as it should.
	errBehind = errors.New("the NATS server that answered is behind")
)

// get asks any replica for messages, and returns those it has. A request without
// batch and multi_last gives one message or errAbsent.
func (j *Journal) get(ctx context.Context, stream string, q getRequest) ([]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, j.opts.tune.answer)
	defer cancel()
	data, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	c, err := j.requests.send("$JS.API.DIRECT.GET."+stream, nil, data)
	if err != nil {
		return nil, err
	}
	defer c.end()
	var list []stored
	for {
		m, err := c.next(ctx)
		if err != nil {
			return nil, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
			seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("a message without a sequence: %w", err)
			}
			list = append(list, stored{m.Header.Get("Nats-Subject"), seq, m.Data})
			if q.Batch == 0 && q.MultiLast == nil {
				return list, nil
			}
		case "204":
			return list, nil
		case "404":
			if q.Batch == 0 && q.MultiLast == nil {
				return nil, errAbsent
			}
			if m.Header.Get("Description") == "Message Not Found" && q.MultiLast != nil {
				return nil, errors.New("a message was replaced meanwhile")
			}
			return list, nil
		default:
			return nil, fmt.Errorf("NATS answered %s %s", status, m.Header.Get("Description"))
		}
	}
}

// pubAck is the answer to what is published to a stream.
type pubAck struct {
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
	Error  *struct {
		Code        int    `json:"code"`
		ErrCode     int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

// What a stream answers instead of storing; anything else leaves open whether it
// stored.
var (
	errConflict = errors.New("the subject's last message is another one")
	errBusy     = errors.New("the subject is being written to")
	errTooLarge = errors.New("the stream takes no message of this size")
)

// The stream API's error codes.
const (
	codeConflict = 10071
	codeBusy     = 10164
	codeTooLarge = 10054
)

// anySeq stands for no comparison.
const anySeq = ^uint64(0)

// publish stores a message if the last one of its subject has the sequence number
// expect (0 = there is none), and returns its own. errConflict, errBusy, errTooLarge
// and errNotSent prove that it was not stored by this call.
func (j *Journal) publish(ctx context.Context, stream, subject string, data []byte, expect uint64, rollup bool) (uint64, error) {
	header := make(nats.Header, 2)
	if expect != anySeq {
		header["Nats-Expected-Last-Subject-Sequence"] = []string{strconv.FormatUint(expect, 10)}
	}
	if rollup {
		header["Nats-Rollup"] = []string{"sub"}
	}
	ctx, cancel := context.WithTimeout(ctx, j.opts.tune.ack)
	defer cancel()
	m, err := j.requests.ask(ctx, subject, header, data)
	if err != nil {
		j.doubt()
		return 0, err
	}
	var ack pubAck
	if err := json.Unmarshal(m.Data, &ack); err != nil {
		return 0, fmt.Errorf("%w: an acknowledgement that cannot be read: %w", errNoAnswer, err)
	}
	if e := ack.Error; e != nil {
		switch e.ErrCode {
		case codeConflict:
			return 0, errConflict
		case codeBusy:
			return 0, errBusy
		case codeTooLarge:
			return 0, errTooLarge
		}
		return 0, fmt.Errorf("%w: %s (%d)", errNoAnswer, e.Description, e.ErrCode)
	}
	if ack.Stream != stream || ack.Seq == 0 {
		return 0, fmt.Errorf("%w: stream %q has acknowledged in place of %q", errNoAnswer, ack.Stream, stream)
	}
	j.confirmed()
	return ack.Seq, nil
}
