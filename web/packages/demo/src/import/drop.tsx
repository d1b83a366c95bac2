import { useClient, useReadable } from '@dashwire/react';
import { FileDown } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import './import.css';
import { imports } from './imports.ts';
import { ImportSheet } from './sheet.tsx';

/** Takes dashboard files that are dropped anywhere on the page. Text and links are left to what is under the pointer. */
export function DropZone({ children }: { readonly children: ReactNode }): ReactNode {
  const client = useClient();
  const [over, setOver] = useState(false);
  const all = useReadable(imports.all);

  useEffect(() => {
    // Enter and leave come in pairs for each element that the pointer crosses.
    let depth = 0;
    const ends = new AbortController();
    const on = (type: 'dragenter' | 'dragover' | 'dragleave' | 'drop', act: (event: DragEvent) => void) =>
      window.addEventListener(type, (event) => hasFiles(event) && act(event), { signal: ends.signal });
    on('dragenter', (event) => {
      event.preventDefault();
      depth++;
      setOver(true);
    });
    on('dragover', (event) => {
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
    });
    on('dragleave', () => {
      depth = Math.max(depth - 1, 0);
      if (depth === 0) setOver(false);
    });
    on('drop', (event) => {
      event.preventDefault();
      depth = 0;
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      void imports.add(files, client.dashboards, client.connection.getSnapshot().limits);
    });
    return () => ends.abort();
  }, [client]);

  return (
    <>
      {children}
      {over && (
        <div className="drop" aria-hidden="true">
          <div className="drop-box">
            <FileDown size={32} />
            <p className="drop-title">Drop to import</p>
            <p>Grafana’s JSON or an export of Dashwire’s own. Each file becomes a dashboard of its own.</p>
          </div>
        </div>
      )}
      {all.length > 0 && <ImportSheet imports={all} />}
    </>
  );
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes('Files') ?? false;
}
