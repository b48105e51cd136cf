package spill

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Records come out sorted, equal keys in the order in which they came, whether memory holds them or not.
func TestSorts(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		memory := rapid.SampledFrom([]int{8, 20, 1000}).Draw(t, "memory")
		s := New(dir, memory)
		var want []Record
		for i := range rapid.IntRange(0, 60).Draw(t, "n") {
			r := Record{rapid.SliceOfN(rapid.Byte(), 1, 6).Draw(t, "key"), []byte{byte(i)}}
			want = append(want, r)
			if err := s.Add(r.Key, r.Value); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortStableFunc(want, func(a, b Record) int { return bytes.Compare(a.Key, b.Key) })
		i := 0
		for r, err := range s.All() {
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.Key, want[i].Key) || !bytes.Equal(r.Value, want[i].Value) {
				t.Fatalf("record %d is %v, want %v", i, r, want[i])
			}
			i++
		}
		if i != len(want) {
			t.Fatalf("%d records of %d", i, len(want))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

func TestRecordLongerThanMemory(t *testing.T) {
	s := New(t.TempDir(), 4)
	if err := s.Add([]byte("12345"), nil); err == nil {
		t.Error("taken")
	}
}
