package listtaker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"lanewarden/firmware-config/lists"
	"lanewarden/sync/downlink"
)

// file is a published file of a list.
func file(from, to, bytes int64) step {
	path := Full(lists.Kinds()[0], to)
	if from > 0 {
		path = Delta(lists.Kinds()[0], from, to)
	}
	return step{from, to, downlink.Target{Path: path, Length: bytes, SHA256: []byte(path)}}
}

func TestWay(t *testing.T) {
	all := []step{file(0, 9, 1000), file(6, 7, 10), file(7, 8, 10), file(8, 9, 10), file(6, 9, 25), file(2, 3, 5)}
	for now, want := range map[int64]string{
		0: "9.full", 2: "9.full", 6: "6-9.delta", 7: "7-8.delta", 8: "8-9.delta", 9: "", 10: "",
	} {
		got, ok := way(all, now)
		if want != "" {
			want = "lists/" + string(lists.Kinds()[0]) + "/" + want
		}
		if got.Path != want || ok != (want != "") {
			t.Errorf("from %d: %q, want %q", now, got.Path, want)
		}
	}
	if got, _ := way([]step{file(0, 2, 15), file(1, 2, 20)}, 1); got.Path != file(0, 2, 0).target.Path {
		t.Errorf("the larger way: %s", got.Path)
	}
	if _, ok := way([]step{file(4, 5, 1)}, 2); ok {
		t.Error("changes of a version that is not here")
	}
}

// brute returns the bytes of the smallest way from a version to the newest that can be reached, by trying all.
func brute(all []step, now int64) (newest, bytes int64) {
	newest = now
	var walk func(at, sum int64)
	walk = func(at, sum int64) {
		if at > newest || at == newest && (bytes == 0 || sum < bytes) {
			newest, bytes = at, sum
		}
		for _, s := range all {
			if s.to > at && (s.from == at || s.from == 0 && at == now) {
				walk(s.to, sum+s.target.Length)
			}
		}
	}
	walk(now, 0)
	return newest, bytes
}

// Followed to its end, the way has as few bytes as the smallest of all.
func TestWayIsTheSmallest(t *testing.T) {
	for range 300 {
		var all []step
		for range 1 + rand.IntN(9) {
			from := rand.Int64N(6)
			all = append(all, file(from, from+1+rand.Int64N(4), 1+rand.Int64N(100)))
		}
		now := rand.Int64N(5)
		newest, want := brute(all, now)
		at, got := now, int64(0)
		for range 20 {
			first, ok := way(all, at)
			if !ok {
				break
			}
			_, s, ok := parse(first)
			if !ok {
				t.Fatalf("%s is no list", first.Path)
			}
			at, got = s.to, got+first.Length
		}
		if at != newest || got > want {
			t.Fatalf("from %d to %d with %d bytes; %d can be reached with %d: %v", now, at, got, newest, want, fmt.Sprint(all))
		}
	}
}

func TestParse(t *testing.T) {
	for path, ok := range map[string]bool{
		"lists/targets/12.full": true, "lists/targets/11-12.delta": true, "lists/targets/12-11.delta": false,
		"lists/targets/0-1.delta": false, "lists/targets/x.full": false, "lists/nothing/1.full": false,
		"lists/targets/1.txt": false, "lists/targets": false, "lists/targets/-1.full": false,
	} {
		if _, _, got := parse(downlink.Target{Path: path}); got != ok {
			t.Errorf("%s: %v", path, got)
		}
	}
}
