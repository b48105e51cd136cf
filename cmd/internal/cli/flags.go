package cli

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"lanewarden/drivers/message"
)

// bounded is a flag whose values are checked while the command line is read. It implements
// pflag.Value.
type bounded[T any] struct {
	value   *T
	name    string // of the type, as --help shows it
	parse   func(string) (T, error)
	format  func(T) string
	holds   func(T) bool
	allowed message.Message // what may be written
}

// Set implements pflag.Value. Its error says what is allowed, and explainFlag adds which flag it
// was.
func (b *bounded[T]) Set(text string) error {
	v, err := b.parse(text)
	if err != nil || !b.holds(v) {
		return allowedError{b.allowed}
	}
	*b.value = v
	return nil
}

func (b *bounded[T]) String() string {
	if b.value == nil { // pflag asks an empty one what its zero is
		return ""
	}
	return b.format(*b.value)
}

// Type implements pflag.Value: the name that --help has for the value.
func (b *bounded[T]) Type() string { return b.name }

// Int adds a flag of whole numbers from low to high, without an upper bound for math.MaxInt. p
// points to the default.
func Int(f *pflag.FlagSet, p *int, name, shorthand string, low, high int, usage string) {
	allowed := message.New("cli.whole-number", message.Int("low", low), message.String("high", strconv.Itoa(high)))
	if high == math.MaxInt {
		allowed = message.New("cli.whole-number-from", message.Int("low", low))
	}
	holds := func(v int) bool { return v >= low && v <= high }
	f.VarP(&bounded[int]{p, "int", strconv.Atoi, strconv.Itoa, holds, allowed}, name, shorthand, usage)
}

// Choice adds a flag that is one of some words. p points to the default, which may be none of them.
func Choice(f *pflag.FlagSet, p *string, name, usage string, words ...string) {
	text := func(s string) string { return s }
	parse := func(s string) (string, error) { return s, nil }
	holds := func(s string) bool { return slices.Contains(words, s) }
	f.Var(&bounded[string]{p, "string", parse, text, holds, message.New("cli.one-of", message.String("words", strings.Join(words, ", ")))}, name, usage)
}

// Duration adds a flag of durations of at least low. p points to the default, which may be less.
func Duration(f *pflag.FlagSet, p *time.Duration, name string, low time.Duration, usage string) {
	allowed := message.New("cli.duration-from-0")
	if low > 0 {
		allowed = message.New("cli.duration-from", message.String("low", low.String()))
	}
	holds := func(v time.Duration) bool { return v >= low }
	f.Var(&bounded[time.Duration]{p, "duration", time.ParseDuration, time.Duration.String, holds, allowed}, name, usage)
}

// Float adds a flag of finite numbers from low to high, without an upper bound for +Inf. p points
// to the default.
func Float(f *pflag.FlagSet, p *float64, name string, low, high float64, usage string) {
	text := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	allowed := message.New("cli.number", message.String("low", text(low)), message.String("high", text(high)))
	if math.IsInf(high, 1) {
		allowed = message.New("cli.number-from", message.String("low", text(low)))
	}
	parse := func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
	holds := func(v float64) bool { return v >= low && v <= high && !math.IsInf(v, 0) }
	f.Var(&bounded[float64]{p, "float", parse, text, holds, allowed}, name, usage)
}

// Share adds a flag of shares of 0 to 1. p points to the default.
func Share(f *pflag.FlagSet, p *float64, name, usage string) { Float(f, p, name, 0, 1, usage) }
