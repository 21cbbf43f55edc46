// Reads one value, one point's series and one map of a Zarr with zarrita, as a web page would.
import fs from "node:fs/promises";
import path from "node:path";
import * as zarr from "zarrita";

const [folder, name, lead, row, column] = process.argv.slice(2);

class Folder {
  async get(key) {
    try {
      return new Uint8Array(await fs.readFile(path.join(folder, key)));
    } catch (error) {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  async getRange(key, range) {
    const data = await this.get(key);
    if (data === undefined) return undefined;
    return "suffixLength" in range
      ? data.slice(data.length - range.suffixLength)
      : data.slice(range.offset, range.offset + range.length);
  }
}

const root = zarr.root(new Folder());
const array = await zarr.open(root.resolve(name), { kind: "array" });
const leads = await zarr.get(await zarr.open(root.resolve("lead_time"), { kind: "array" }));
const map = await zarr.get(array, [+lead, null, null]);
const series = await zarr.get(array, [null, +row, +column]);
console.log(JSON.stringify({
  shape: array.shape,
  attributes: array.attrs,
  lead_time: Array.from(leads.data),
  value: map.data[+row * map.shape[1] + +column],
  series: Array.from(series.data),
  map_mean: map.data.reduce((sum, value) => sum + value, 0) / map.data.length,
}));
