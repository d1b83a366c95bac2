package board

import (
	"fmt"
	"testing"
	"time"
)

// longLog gives the snapshot of a small dashboard after n edits, and the records of 500 more.
func longLog(b testing.TB, n int) (snapshot []byte, records [][]byte) {
	b.Helper()
	s := stateOf(b, 4, 40)
	env := Env{Now: time.UnixMilli(1_800_000_000_000)}
	for i := range n + 500 {
		if i == n {
			snapshot = s.AppendSnapshot(nil)
		}
		op := titleOp(i)
		op.ID = fmt.Sprintf("%08x-4000-8000-%012x", uint32(i)*0x9E3779B1, i)
		op.WidgetID, op.Base = "w0001", nil
		d := s.Decide(op, env)
		if d.Entry == nil {
			b.Fatal(d)
		}
		s = d.Next
		if i >= n {
			records = append(records, EncodeRecord(d.Entry).Data)
		}
	}
	return snapshot, records
}

// What opening a small dashboard takes of a short log and of a long one, which has all op
// ids that M8 keeps.
func BenchmarkOpenLog(b *testing.B) {
	for _, n := range []int{500, 20_500} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			data, records := longLog(b, n)
			opened, err := ParseSnapshot(data)
			if err != nil {
				b.Fatal(err)
			}
			b.Run("parse", func(b *testing.B) { parsing(b, data) })
			b.Run("fold", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s := opened
					for _, r := range records {
						e, err := ParseRecord(r)
						if err != nil {
							b.Fatal(err)
						}
						if s, err = s.Fold(e); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
			b.Run("save", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					opened.AppendSnapshot(nil)
				}
			})
		})
	}
}
