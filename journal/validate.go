package journal

import "fmt"

// maxID is the longest dashboard id, in bytes (D2).
const maxID = 128

// Validate reports whether the append keeps to the contract; its error wraps
// ErrInvalid and says what is wrong. Drivers call it before anything else.
func (a Append) Validate() error {
	if err := ValidateID(a.DashboardID); err != nil {
		return err
	}
	if len(a.Records) == 0 {
		return fmt.Errorf("%w: append to %s has no records", ErrInvalid, a.DashboardID)
	}
	for i, r := range a.Records {
		if len(r) == 0 {
			return fmt.Errorf("%w: record %d of the append to %s is empty", ErrInvalid, i, a.DashboardID)
		}
	}
	if len(a.Summary) > MaxSummary {
		return fmt.Errorf("%w: the summary of %s has %d bytes, at most %d are kept",
			ErrInvalid, a.DashboardID, len(a.Summary), MaxSummary)
	}
	return nil
}

// ValidateID reports whether an id may name a log: 1 to 128 of the characters of
// rule D2. Names that D2 forbids beyond that are the caller's to refuse.
func ValidateID(id string) error {
	if len(id) == 0 || len(id) > maxID {
		return fmt.Errorf("%w: a dashboard id has 1 to %d bytes, this one has %d", ErrInvalid, maxID, len(id))
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '.', c == '_', c == ':', c == '-':
		default:
			return fmt.Errorf("%w: dashboard id %q holds a character other than A–Z a–z 0–9 . _ : -", ErrInvalid, id)
		}
	}
	return nil
}
