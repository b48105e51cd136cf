package ring

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A buffer is the tail of a slice of all that was added.
func TestBuffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 9).Draw(t, "size")
		all := rapid.SliceOf(rapid.Int()).Draw(t, "values")
		var b Buffer[int]
		for i, v := range all {
			oldest, dropped := b.Add(v, size)
			if dropped != (i >= size) || dropped && oldest != all[i-size] {
				t.Fatalf("value %d: %d dropped, %v", i, oldest, dropped)
			}
		}
		want := all[max(0, len(all)-size):]
		if got := b.Ordered(); !slices.Equal(got, want) || b.Len() != len(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		for i, v := range want {
			if b.At(i) != v {
				t.Fatalf("at %d is %d, want %d", i, b.At(i), v)
			}
		}
		stored := slices.Sorted(slices.Values(b.Values()))
		if !slices.Equal(stored, slices.Sorted(slices.Values(want))) {
			t.Fatalf("stored are %v, want %v", stored, want)
		}
	})
}

func ExampleBuffer() {
	var last Buffer[string]
	for _, plate := range []string{"AAA111", "BBB222", "CCC333", "DDD444"} {
		last.Add(plate, 3)
	}
	fmt.Println(last.Ordered())
	// Output: [BBB222 CCC333 DDD444]
}
