package jcampdx

import (
	"math"
	"strconv"
)

// Classes of characters in a table. Digits of the compressed forms carry sign and first digit: SQZ '@', A..I, a..i;
// DIF '%', J..R, j..r; DUP S..Z, s.
const (
	charOther = iota
	charBlank
	charEnd   // of a line
	charDigit // also '.', which begins a number as a digit does
	charSign
	charSQZ
	charDIF
	charDUP
	charNone    // '?'
	charComment // '$', when another follows
	charComma   // ',' or ';'
)

// charInfo is what a character means in a table; digit is that of a compressed form's letter.
type charInfo struct {
	class uint8
	digit int8 // with sign
}

var chars = func() (t [256]charInfo) {
	for _, c := range " \t\f\v" {
		t[c].class = charBlank
	}
	t['\r'].class, t['\n'].class = charEnd, charEnd
	t['+'].class, t['-'].class = charSign, charSign
	t['?'].class, t['$'].class = charNone, charComment
	t[','].class, t[';'].class = charComma, charComma
	t['.'].class = charDigit
	for i := range 10 {
		t['0'+i] = charInfo{charDigit, int8(i)}
	}
	t['@'].class, t['%'].class = charSQZ, charDIF
	for i := 1; i <= 9; i++ {
		t['A'+i-1], t['a'+i-1] = charInfo{charSQZ, int8(i)}, charInfo{charSQZ, int8(-i)}
		t['J'+i-1], t['j'+i-1] = charInfo{charDIF, int8(i)}, charInfo{charDIF, int8(-i)}
	}
	for i := 1; i <= 8; i++ {
		t['S'+i-1] = charInfo{charDUP, int8(i)}
	}
	t['s'] = charInfo{charDUP, 9}
	return t
}()

// powers are 10^0 to 10^22, which a float64 holds exactly: a mantissa below 2^53 times one of them is rounded right.
var powers = func() (p [23]float64) {
	for i := range p {
		p[i] = math.Pow10(i) // exact up to 10^22
	}
	return p
}()

// exactMantissa is the first whole number that a float64 may not hold exactly.
const exactMantissa = 1 << 53

// tail reads the digits that follow a number's first digit, v, at data[i:]: of a compressed number, or of a plain one
// without exponent. It returns the value and where it ends; ok is false when it is not so simple, and number must
// read it.
func tail(data []byte, i int, v int64) (float64, int, bool) {
	begin := i
	for i < len(data) {
		d := data[i] - '0'
		if d > 9 {
			break
		}
		v = v*10 + int64(d)
		i++
	}
	if i-begin > 15 || i < len(data) && data[i] == '.' {
		return 0, i, false
	}
	return float64(v), i, true
}

// number reads a plain number (AFFN) at data[i:]: sign, digits with a point, exponent. wide says that an exponent
// needs no sign: where there are no compressed numbers, E is never the digit 5. ok is false when there is no number.
func number(data []byte, i int, wide bool) (v float64, end int, ok bool) {
	begin, negative := i, false
	if i < len(data) && (data[i] == '+' || data[i] == '-') {
		negative = data[i] == '-'
		i++
	}
	mantissa, digits, scale := uint64(0), 0, 0
	for point := false; i < len(data); i++ {
		c := data[i]
		if c == '.' && !point {
			point = true
			continue
		}
		d := c - '0'
		if d > 9 {
			break
		}
		digits++
		if mantissa < exactMantissa {
			mantissa = mantissa*10 + uint64(d)
		}
		if point {
			scale--
		}
	}
	if digits == 0 {
		return 0, i, false
	}
	e, end := exponent(data, i, wide)
	scale += e
	if mantissa < exactMantissa && scale >= -22 && scale <= 22 {
		v = float64(mantissa)
		if scale < 0 {
			v /= powers[-scale]
		} else {
			v *= powers[scale]
		}
		if negative {
			v = -v
		}
		return v, end, true
	}
	v, err := strconv.ParseFloat(string(data[begin:end]), 64)
	return v, end, err == nil
}

// exponent reads E, sign and digits at data[i:]; it returns 0 and i when there is none.
func exponent(data []byte, i int, wide bool) (e, end int) {
	j := i
	if j >= len(data) || data[j] != 'E' && data[j] != 'e' {
		return 0, i
	}
	j++
	sign := 1
	switch {
	case j < len(data) && (data[j] == '+' || data[j] == '-'):
		if data[j] == '-' {
			sign = -1
		}
		j++
	case !wide:
		return 0, i
	}
	digits := j
	for j < len(data) && data[j]-'0' <= 9 && j-digits < 4 {
		e = e*10 + int(data[j]-'0')
		j++
	}
	if j == digits {
		return 0, i
	}
	return sign * e, j
}
