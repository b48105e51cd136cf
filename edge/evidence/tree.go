package evidence

import (
	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/observation/coded"
)

// TileHeight is log2 of TileWidth, the number of hashes in a full tile: 8 KiB, and one tile in 256 rows. Tiles of this
// shape are those of x/mod/sumdb/tlog with height 8.
const (
	TileHeight = 8
	TileWidth  = 1 << TileHeight
)

// Tile is a full tile: the TileWidth hashes of tree level Level*TileHeight that start at N*TileWidth.
type Tile struct {
	Level  int
	N      int64
	Hashes []tlog.Hash
}

// Tree is the growing edge of a log: per tile level the hashes of the tile that is not full yet. Appending a leaf costs
// one hash amortised, and 32 bytes kept by the caller in a tile. Not for concurrent use.
type Tree struct {
	size int64
	edge [][]tlog.Hash // edge[l]: hashes of the unfinished tile of tile level l
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Append adds a leaf and returns the tiles that became full, lowest first; mostly none.
func (t *Tree) Append(leaf tlog.Hash) []Tile {
	t.size++
	var full []Tile
	for level, h := 0, leaf; ; level++ {
		if level == len(t.edge) {
			t.edge = append(t.edge, make([]tlog.Hash, 0, TileWidth))
		}
		t.edge[level] = append(t.edge[level], h)
		if len(t.edge[level]) < TileWidth {
			return full
		}
		done := t.edge[level]
		t.edge[level] = make([]tlog.Hash, 0, TileWidth)
		full = append(full, Tile{Level: level, N: t.size>>(TileHeight*(level+1)) - 1, Hashes: done})
		h = subtree(done)
	}
}

// Tail returns the leaf hashes of the unfinished tile, oldest first. The slice is valid until the next Append.
func (t *Tree) Tail() []tlog.Hash {
	if len(t.edge) == 0 {
		return nil
	}
	return t.edge[0]
}

// Root returns the RFC 6962 tree head.
func (t *Tree) Root() tlog.Hash {
	if t.size == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	var acc *tlog.Hash
	for _, hashes := range t.edge {
		// The perfect subtrees in an unfinished tile, smallest (rightmost) first.
		for end, width := len(hashes), 1; end > 0; width <<= 1 {
			if end&width == 0 {
				continue
			}
			h := subtree(hashes[end-width : end])
			if acc != nil {
				h = tlog.NodeHash(h, *acc)
			}
			acc, end = &h, end-width
		}
	}
	return *acc
}

// Clone returns an independent copy: what a caller falls back to when the rows it appended were not committed.
func (t *Tree) Clone() *Tree {
	c := &Tree{size: t.size, edge: make([][]tlog.Hash, len(t.edge))}
	for i, e := range t.edge {
		c.edge[i] = append(make([]tlog.Hash, 0, TileWidth), e...)
	}
	return c
}

// subtree returns the hash of the perfect subtree over a power-of-two number of hashes.
func subtree(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	var buf [TileWidth / 2]tlog.Hash
	level := buf[:len(hashes)/2]
	for i := range level {
		level[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
	}
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// Tiles gives the full tiles that a journal or ledger keeps.
type Tiles interface {
	// Tile returns the TileWidth hashes of a full tile.
	Tile(level int, n int64) ([]tlog.Hash, error)
}

// Restore rebuilds the tree of a log of size leaves from its full tiles and the leaf hashes after the last of them.
func Restore(size int64, tiles Tiles, tail []tlog.Hash) (*Tree, error) {
	if int64(len(tail)) != size%TileWidth {
		return nil, coded.New("evidence.last-tile", coded.Number("rows", size),
			coded.Value("n", len(tail)), coded.Number("want", size%TileWidth))
	}
	t := &Tree{size: size, edge: [][]tlog.Hash{append(make([]tlog.Hash, 0, TileWidth), tail...)}}
	for level := 1; size>>(TileHeight*level) > 0; level++ {
		count := size >> (TileHeight * level) // full tiles of the level below
		edge := make([]tlog.Hash, 0, TileWidth)
		for n := count - count%TileWidth; n < count; n++ {
			below, err := tiles.Tile(level-1, n)
			if err != nil {
				return nil, err
			}
			edge = append(edge, subtree(below))
		}
		t.edge = append(t.edge, edge)
	}
	return t, nil
}

// Reader returns a tlog.HashReader over the full tiles and the tree's unfinished ones, for tlog.ProveRecord,
// tlog.ProveTree and tlog.TreeHash up to the tree's size. It is valid until the next Append.
func (t *Tree) Reader(tiles Tiles) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			tileLevel, height := level/TileHeight, level%TileHeight
			first := n << height
			hashes, err := t.tile(tiles, tileLevel, first/TileWidth)
			if err != nil {
				return nil, err
			}
			lo := int(first % TileWidth)
			if hi := lo + 1<<height; hi <= len(hashes) {
				out[i] = subtree(hashes[lo:hi])
				continue
			}
			return nil, coded.New("evidence.no-hash", coded.Number("rows", t.size),
				coded.Number("level", level), coded.Number("place", n))
		}
		return out, nil
	})
}

func (t *Tree) tile(tiles Tiles, level int, n int64) ([]tlog.Hash, error) {
	if n == t.size>>(TileHeight*(level+1)) {
		if level < len(t.edge) {
			return t.edge[level], nil
		}
		return nil, nil
	}
	return tiles.Tile(level, n)
}

// EncodeHashes packs hashes as a tile's bytes: 32 bytes each.
func EncodeHashes(hashes []tlog.Hash) []byte {
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}

// DecodeHashes is the inverse of EncodeHashes.
func DecodeHashes(b []byte) ([]tlog.Hash, error) {
	if len(b)%tlog.HashSize != 0 || len(b) > TileWidth*tlog.HashSize {
		return nil, coded.New("evidence.no-tile", coded.Value("n", len(b)), coded.Number("size", tlog.HashSize))
	}
	out := make([]tlog.Hash, len(b)/tlog.HashSize)
	for i := range out {
		copy(out[i][:], b[i*tlog.HashSize:])
	}
	return out, nil
}

// Hash is a node of the tree: SHA-256.
type Hash = tlog.Hash
