package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/dashwire/dashwire/internal/wire"
)

// readEvents hands on the messages of an event stream (H2) until it ends.
func readEvents(ctx context.Context, body io.Reader, to chan<- wire.ServerMessage) error {
	const longest = 16 << 20
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue // ids and comments
		}
		m, err := wire.DecodeServer(data)
		if err != nil {
			return fmt.Errorf("the server sent what is not understood: %w", err)
		}
		select {
		case to <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the stream broke off: %w", err)
	}
	return io.ErrUnexpectedEOF
}
