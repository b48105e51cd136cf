package picture

// Settings of the equalisation: tiles a side, steps of a histogram, and how much steeper than even its curve may
// become. Steeper curves would show the noise of flat regions as if it were cargo.
const (
	tiles      = 8
	claheSteps = 1024
	claheLimit = 3.0
)

// equalise is contrast limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994) of values from 0
// to 1, in place: each tile has a curve of its own, between tiles they are interpolated, so that their edges are not
// seen.
func equalise(v []float32, width, height int) {
	nx, ny := min(tiles, width), min(tiles, height)
	xs, ys := bins(width, nx), bins(height, ny)
	curves := make([][claheSteps]float32, nx*ny)
	for ty := range ny {
		for tx := range nx {
			curves[ty*nx+tx] = curve(v, width, xs[tx], xs[tx+1], ys[ty], ys[ty+1])
		}
	}
	left, right, fx := neighbours(xs, width)
	top, bottom, fy := neighbours(ys, height)
	for y := range height {
		row := v[y*width:][:width]
		for x := range row {
			k := int(row[x] * (claheSteps - 1))
			upper := curves[top[y]*nx+left[x]][k]*(1-fx[x]) + curves[top[y]*nx+right[x]][k]*fx[x]
			lower := curves[bottom[y]*nx+left[x]][k]*(1-fx[x]) + curves[bottom[y]*nx+right[x]][k]*fx[x]
			row[x] = upper*(1-fy[y]) + lower*fy[y]
		}
	}
}

// curve is the cumulative histogram of a tile, from x0 and y0 to before x1 and y1: counts over the limit are cut off
// and spread over all steps.
func curve(v []float32, width, x0, x1, y0, y1 int) (c [claheSteps]float32) {
	var count [claheSteps]float32
	for y := y0; y < y1; y++ {
		for _, value := range v[y*width+x0 : y*width+x1] {
			count[int(value*(claheSteps-1))]++
		}
	}
	total := float32((x1 - x0) * (y1 - y0))
	limit := max(claheLimit*total/claheSteps, 1)
	over := float32(0)
	for k := range count {
		if count[k] > limit {
			over += count[k] - limit
			count[k] = limit
		}
	}
	sum := float32(0)
	for k := range count {
		sum += count[k] + over/claheSteps
		c[k] = min(sum/total, 1)
	}
	return c
}

// neighbours returns, for each position 0 to n-1, the tiles whose middles are before and after it, and how far it is
// between them, 0 to 1. At the rim both are the same tile.
func neighbours(edges []int, n int) (before, after []int, share []float32) {
	before, after, share = make([]int, n), make([]int, n), make([]float32, n)
	parts := len(edges) - 1
	middle := func(k int) float32 { return float32(edges[k]+edges[k+1]) / 2 }
	k := 0
	for x := range n {
		at := float32(x) + 0.5
		for k+1 < parts && at >= middle(k+1) {
			k++
		}
		before[x], after[x] = k, min(k+1, parts-1)
		if d := middle(after[x]) - middle(k); d > 0 {
			share[x] = min(max((at-middle(k))/d, 0), 1)
		}
	}
	return before, after, share
}
