package chaos

import (
	"encoding/json"
	"fmt"
)

// stream follows what one client is sent of one dashboard, over all its sessions: each
// version once and in order, and none left out where it comes back (R1, R2).
type stream struct {
	at    uint64 // the last version heard
	begun bool
}

// heard is what a message tells of versions.
type heard struct {
	Type    string
	Payload struct {
		DashboardID string
		From        *uint64
		Version     uint64
		Mode        string
		InStream    bool
		Parts       int
		Entries     []struct {
			Payload struct{ Version uint64 } // of a delta
			Version uint64                   // of SYNC_ENTRIES (R10)
		}
	}
}

// next takes a message in, and returns what is wrong with it, or "".
func (s *stream) next(m *heard) string {
	p, before := &m.Payload, s.at
	switch {
	case m.Type == "SYNC_RESPONSE" && p.Mode != "none":
		begun := s.begun
		s.at, s.begun = p.Version, true
		switch {
		case p.Version < before:
			return fmt.Sprintf("an answer at version %d after version %d", p.Version, before)
		case p.Mode != "delta" || p.Parts > 1:
			return ""
		}
		first := p.Version - uint64(len(p.Entries)) + 1
		for i, e := range p.Entries {
			if e.Payload.Version != first+uint64(i) {
				return fmt.Sprintf("a delta to version %d of %d entries holds version %d as number %d", p.Version, len(p.Entries), e.Payload.Version, i+1)
			}
		}
		if begun && first > before+1 {
			return fmt.Sprintf("a delta from version %d to %d after version %d", first, p.Version, before)
		}
	case m.Type == "SYNC_UPDATE" && p.From != nil:
		s.at = max(before, p.Version)
		if *p.From > before {
			return fmt.Sprintf("an update from version %d to %d after version %d", *p.From, p.Version, before)
		}
	case m.Type == "SYNC_ENTRIES":
		for _, e := range p.Entries {
			if s.at++; e.Version != s.at {
				wrong := fmt.Sprintf("version %d together with others after version %d", e.Version, s.at-1)
				s.at = p.Entries[len(p.Entries)-1].Version
				return wrong
			}
		}
	case m.Type == "ACK" && p.InStream, m.Type == "WIDGET_UPDATE":
		s.at = p.Version
		if p.Version != before+1 {
			return fmt.Sprintf("%s of version %d after version %d", m.Type, p.Version, before)
		}
	}
	return ""
}

// follows takes in what an editor hears, and notes what is wrong with it.
func (e *editor) follows(message []byte) {
	var m heard
	if err := json.Unmarshal(message, &m); err != nil {
		e.fault("%v: %s", err, message)
		return
	}
	s := e.streams[m.Payload.DashboardID]
	if s == nil {
		return // of no dashboard
	}
	if wrong := s.next(&m); wrong != "" {
		e.fault("%s: %s", m.Payload.DashboardID, wrong)
	}
}
