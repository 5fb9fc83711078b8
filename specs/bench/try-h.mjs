import { rm } from 'node:fs/promises';
import { writeHistory } from './state/history.mjs';
import { catalogOf } from './state/world.mjs';
import { cpuMs } from './state/figure.mjs';
const dir='/tmp/scale-million'; await rm(dir,{recursive:true,force:true});
const n=Number(process.argv[2]);
console.log(await cpuMs(async()=>{ const {state,tail}=await writeHistory(dir, catalogOf({voices:1000,packs:true}),1000,n); console.log(state.position,tail,state.voices.size,state.cores.size); }));
