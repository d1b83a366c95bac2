package auth

import (
	"fmt"
	"testing"

	"github.com/dashwire/dashwire/board"
)

// BenchmarkAuthorize is the cost of the right to one op. The grant that counts is the
// last one; a principal by token has the op marked with the token's name.
func BenchmarkAuthorize(b *testing.B) {
	for _, grants := range []int{1, 10, 100} {
		for _, token := range []string{"", "jti-1"} {
			b.Run(fmt.Sprintf("grants=%d,token=%t", grants, token != ""), func(b *testing.B) {
				p := Principal{UserID: "ana", TokenID: token}
				for i := range grants - 1 {
					p.Grants = append(p.Grants, Grant{fmt.Sprintf("team-%d-*", i), Editor})
				}
				p.Grants = append(p.Grants, Grant{"ops-*", Editor})
				op, who := &board.Op{DashboardID: "ops-1"}, SignedIn(p)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Authorize(b.Context(), Grants{}, who, op); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
