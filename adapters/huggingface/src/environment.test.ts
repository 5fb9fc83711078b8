import { describe, expect, it } from 'vitest';
import { readHubEnvironment } from './environment.js';

describe('the environment of the hub', () => {
  it('is the public hub and the places that are usual, where it says nothing', () => {
    expect(readHubEnvironment({ HOME: '/home/ada' })).toEqual({
      endpoint: 'https://huggingface.co',
      token: null,
      tokenPath: '/home/ada/.cache/huggingface/token',
      isTokenPathNamed: false,
      cacheDir: '/home/ada/.cache/huggingface/hub',
    });
  });

  it('has no places where nobody is at home', () => {
    expect(readHubEnvironment({})).toMatchObject({ tokenPath: null, cacheDir: null });
  });

  it.each([
    [{ XDG_CACHE_HOME: '/c' }, '/c/huggingface/token', '/c/huggingface/hub'],
    [{ HF_HOME: '/h', XDG_CACHE_HOME: '/c' }, '/h/token', '/h/hub'],
    [{ HF_HOME: '~/h' }, '/home/ada/h/token', '/home/ada/h/hub'],
    [{ HF_HOME: '/h', HF_HUB_CACHE: '/k', HF_TOKEN_PATH: '/t' }, '/t', '/k'],
    [{ HF_HOME: '', HF_HUB_CACHE: '' }, '/home/ada/.cache/huggingface/token', '/home/ada/.cache/huggingface/hub'],
  ])('%j has its token at %s and its cache at %s', (env, tokenPath, cacheDir) => {
    expect(readHubEnvironment({ HOME: '/home/ada', ...env })).toMatchObject({ tokenPath, cacheDir });
  });

  it('takes no token from a file where that is switched off', () => {
    const off = { HOME: '/home/ada', HF_TOKEN_PATH: '/t', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' };
    expect(readHubEnvironment(off).tokenPath).toBeNull();
    expect(readHubEnvironment({ ...off, HF_TOKEN: ' hf_x\n' }).token).toBe('hf_x');
  });

  it('names another hub without the slash at its end', () => {
    expect(readHubEnvironment({ HF_ENDPOINT: 'https://mirror.test/hf/' }).endpoint).toBe('https://mirror.test/hf');
  });
});
