package board

import (
	"math/big"
	"strings"
)

// endOfNumber returns the index after the number that starts at i, i itself if
// there is none.
func endOfNumber(s string, i int) int {
	for i < len(s) {
		c := s[i]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		i++
	}
	return i
}

// decimal is the exact value of a JSON number: ±digits × 10^(exponent+shift). The
// digits neither begin nor end with a zero; zero has none.
type decimal struct {
	negative bool
	digits   string
	// exponent is what the text says after e, without leading zeros and plus.
	exponent string
	shift    int
}

// parseDecimal reads a valid JSON number. It never expands an exponent.
func parseDecimal(s string) decimal {
	var d decimal
	if s != "" && s[0] == '-' {
		d.negative, s = true, s[1:]
	}
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		exponent := s[e+1:]
		s = s[:e]
		sign := ""
		if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
			if exponent[0] == '-' {
				sign = "-"
			}
			exponent = exponent[1:]
		}
		if exponent = strings.TrimLeft(exponent, "0"); exponent != "" {
			d.exponent = sign + exponent
		}
	}
	if point := strings.IndexByte(s, '.'); point >= 0 {
		d.shift = point + 1 - len(s)
		if whole := s[:point]; strings.Trim(whole, "0") == "" {
			s = s[point+1:]
		} else {
			s = whole + s[point+1:]
		}
	}
	s = strings.TrimLeft(s, "0")
	d.digits = strings.TrimRight(s, "0")
	d.shift += len(s) - len(d.digits)
	if d.digits == "" {
		return decimal{}
	}
	return d
}

// smallExponent is the number of exponent characters that surely fit in an int.
const smallExponent = 9

// sameNumber reports whether two JSON numbers have exactly the same value; -0 is 0.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	x, y := parseDecimal(a), parseDecimal(b)
	if x.negative != y.negative || x.digits != y.digits {
		return false
	}
	if len(x.exponent) <= smallExponent && len(y.exponent) <= smallExponent {
		return atoi(x.exponent)+x.shift == atoi(y.exponent)+y.shift
	}
	return x.bigExponent().Cmp(y.bigExponent()) == 0
}

func (d decimal) bigExponent() *big.Int {
	e := new(big.Int)
	if d.exponent != "" {
		e.SetString(d.exponent, 10)
	}
	return e.Add(e, big.NewInt(int64(d.shift)))
}

// atoi reads at most smallExponent characters; "" is 0.
func atoi(s string) int {
	negative := s != "" && s[0] == '-'
	if negative {
		s = s[1:]
	}
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	if negative {
		return -n
	}
	return n
}

// maxInteger bounds the integers that parseInteger takes: beyond it a client whose
// numbers are doubles could not read them.
const maxInteger int64 = 1<<53 - 1

// parseInteger gives the value of a JSON number that is exactly a whole number,
// however it is written (4, 4.0, 40e-1), and at most maxInteger either way.
func parseInteger(s string) (int, bool) {
	d := parseDecimal(s)
	if d.digits == "" {
		return 0, true
	}
	if len(d.exponent) > smallExponent {
		return 0, false
	}
	zeros := atoi(d.exponent) + d.shift
	if zeros < 0 || len(d.digits)+zeros > 16 {
		return 0, false
	}
	var n int64
	for i := range len(d.digits) {
		n = n*10 + int64(d.digits[i]-'0')
	}
	for range zeros {
		n *= 10
	}
	if d.negative {
		n = -n
	}
	if n > maxInteger || n < -maxInteger || int64(int(n)) != n {
		return 0, false
	}
	return int(n), true
}
