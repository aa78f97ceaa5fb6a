/** Small drawings for buttons, each one path in a square of 16. A button with only an icon has an aria-label. */
const PATHS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  batch: "M3 3l6 5-6 5zM10.5 3h2v10h-2z",
  epoch: "M1.5 3l5 5-5 5zM7 3l5 5-5 5zM12.5 3h2v10h-2z",
  reset: "M8 3a5 5 0 1 1-4.9 6h1.6A3.5 3.5 0 1 0 5.2 6L7 7.5H2V2.6L4.1 4.6A5 5 0 0 1 8 3z",
  close: "M3.5 4.6l1.1-1.1L8 6.9l3.4-3.4 1.1 1.1L9.1 8l3.4 3.4-1.1 1.1L8 9.1l-3.4 3.4-1.1-1.1L6.9 8z",
  half: "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM8 3a5 5 0 0 0 0 10z",
  sun: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM7.3 1h1.4v2.4H7.3zM7.3 12.6h1.4V15H7.3zM1 7.3h2.4v1.4H1zM12.6 7.3H15v1.4h-2.4zM3 4l1-1 1.7 1.7-1 1zM10.3 11.3l1-1L13 12l-1 1zM12 3l1 1-1.7 1.7-1-1zM4.7 10.3l1 1L4 13l-1-1z",
  moon: "M6.2 1.7A5.6 5.6 0 0 0 14 9.6 6.5 6.5 0 1 1 6.2 1.7z",
  motion: "M2 11c2-7 4-7 6-3s4 4 6-3v2.6c-2 5.4-4.400 5.600-6.600 1.200C5.600 5.600 4.400 6.600 3.400 11z",
  still: "M2 7.300h12v1.400H2z",
  more: "M3 8a1.300 1.300 0 1 1 2.600 0A1.300 1.300 0 0 1 3 8zM6.700 8a1.300 1.300 0 1 1 2.600 0 1.300 1.300 0 0 1-2.600 0zM10.400 8A1.300 1.300 0 1 1 13 8a1.300 1.300 0 0 1-2.600 0z",
  help: "M8 1.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13zM7.200 10.700v1.500h1.600v-1.500zM5.400 6.300h1.500c0-.7.4-1.100 1.100-1.100s1.100.4 1.100 1c0 1.200-1.800 1.200-1.800 3.300h1.400c0-1.400 2-1.500 2-3.400C10.700 4.700 9.600 3.800 8 3.800c-1.600 0-2.600 1-2.600 2.500z",
  download: "M7.200 2h1.600v6.200l2-2L12 7.400l-4 4-4-4 1.200-1.200 2 2zM3 12.500h10V14H3z",
  copy: "M5 2h8v9h-2.500v3H3V5h2zM6.500 3.500V5h4v4.500h1v-6zM4.500 6.500v6H9v-6z",
  file: "M3.500 1.500h6l3 3v10h-9zM5 3v10h6V5.500H8.500V3z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
