package passwords

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
)

// TestHashBounds: a hash that costs too little protects nothing, one that costs too much stops the console; the bounds
// themselves are allowed.
func TestHashBounds(t *testing.T) {
	const salt, key16, key15 = "c2FsdHNhbHRzYWx0c2E", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA"
	hash := func(memory, iterations, threads int, key string) string {
		return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", memory, iterations, threads, salt, key)
	}
	for name, c := range map[string]struct{ hash, want string }{
		"least":               {hash(minMemory, 1, 1, key16), ""},
		"most":                {hash(maxMemory, maxIterations, 1, key16), ""},
		"too little memory":   {hash(minMemory-1, 1, 1, key16), "out of bounds"},
		"too much memory":     {hash(maxMemory+1, 1, 1, key16), "out of bounds"},
		"no iterations":       {hash(minMemory, 0, 1, key16), "out of bounds"},
		"too many iterations": {hash(minMemory, maxIterations+1, 1, key16), "out of bounds"},
		"no threads":          {hash(minMemory, 1, 0, key16), "out of bounds"},
		"short key":           {hash(minMemory, 1, 1, key15), "hash is too short"},
		"another algorithm":   {strings.Replace(hash(minMemory, 1, 1, key16), "argon2id", "argon2i", 1), "is no argon2id hash"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckHash(c.hash)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestShortPasswordIsRefused(t *testing.T) {
	if _, err := Hash(strings.Repeat("x", Min-1)); err == nil {
		t.Error("a password that is too short got a hash")
	}
	if _, err := Hash(strings.Repeat("x", Min)); err != nil {
		t.Error(err)
	}
}

// TestHashCost: a password costs who guesses what docs/access.md says, and each has a salt of its own.
func TestHashCost(t *testing.T) {
	first, err := Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Hash("correct horse")
	if err != nil || first == second {
		t.Errorf("the same password twice: %v", err)
	}
	p, salt, key, err := argon2id.DecodeHash(first)
	if err != nil || p.Memory != 19<<10 || p.Iterations != 2 || p.Parallelism != 1 || len(salt) != 16 || len(key) != 32 {
		t.Errorf("%+v, a salt of %d bytes, a key of %d, %v", p, len(salt), len(key), err)
	}
	if len("1234567") != Min-1 {
		t.Errorf("a password has %d characters at least", Min)
	}
	const cheapest, dearest = "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$v=19$m=262144,t=16,p=1$"
	for _, begin := range []string{cheapest, dearest} {
		if err := CheckHash(begin + "c2FsdHNhbHRzYWx0c2E$AAAAAAAAAAAAAAAAAAAAAA"); err != nil {
			t.Errorf("%s: %v", begin, err)
		}
	}
	for _, begin := range []string{"$argon2id$v=19$m=7,t=1,p=1$", "$argon2id$v=19$m=262145,t=1,p=1$", "$argon2id$v=19$m=8,t=17,p=1$"} {
		if err := CheckHash(begin + "c2FsdHNhbHRzYWx0c2E$AAAAAAAAAAAAAAAAAAAAAA"); err == nil {
			t.Errorf("%s is allowed", begin)
		}
	}
}
